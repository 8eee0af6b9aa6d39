"""One command of the contract: checked, run by the original's logic, and answered with a state or with an error."""

from __future__ import annotations

import math

from robot.v1.robot_pb2 import (
    Action,
    CleaningMode,
    CommandError,
    Event,
    ModeSet,
    Moved,
    RobotCommand,
    RobotResult,
    RobotState,
    ScriptPosition,
    Started,
    Stopped,
    Turned,
)

import cleaner
from script import MODES, Rejected, statements

ACTIONS_MAX = 10_000

# Where an action is: its index, or the place of its statement.
Place = int | ScriptPosition | None


def result_of(command: RobotCommand) -> RobotResult:
    """The result of `command`, without an execution."""
    try:
        state, events = _run(command)
    except Rejected as rejected:
        return RobotResult(id=command.id, error=rejected.error)
    after = RobotState(x=state.x, y=state.y, heading_degrees=state.angle, mode=_mode_of(state))
    return RobotResult(id=command.id, state=after, events=events)


def actions_of(command: RobotCommand) -> list[tuple[Place, Action]]:
    """What `command` asks for, as actions or as a script, each with its place."""
    if command.actions and command.script:
        raise _rejected("ACTIONS_AND_SCRIPT", "both actions and script are set, expected at most one of them")
    actions: list[tuple[Place, Action]] = []
    for place, action in statements(command.script) if command.script else enumerate(command.actions):
        if len(actions) == ACTIONS_MAX:
            raise _rejected("TOO_MANY_ACTIONS", f"too many actions, expected at most {ACTIONS_MAX} in one command")
        actions.append((place, action))
    return actions


def _run(command: RobotCommand) -> tuple[cleaner.State, list[Event]]:
    if not command.HasField("state"):
        raise _rejected("STATE_MISSING", "state is missing, expected one in every command")
    given = command.state
    state = cleaner.State(
        x=_finite("x", given.x),
        y=_finite("y", given.y),
        angle=_finite("heading_degrees", given.heading_degrees),
        mode=_mode(given.mode or CleaningMode.CLEANING_MODE_WATER),
    )
    actions = actions_of(command)
    for place, action in actions:
        _check(action, place)
    events = []
    for place, action in actions:
        state = _step(state, action)
        if not all(map(math.isfinite, state)):
            raise _rejected(
                "OVERFLOW", "the state would overflow, expected numbers between -1.79e308 and 1.79e308", place
            )
        if command.with_events:
            events.append(_event(state, action))
    return state, events


def _check(action: Action, place: Place) -> None:
    match action.WhichOneof("kind"):
        case "move":
            _finite("distance", action.move.distance, place)
        case "turn":
            _finite("angle_degrees", action.turn.angle_degrees, place)
        case "set_mode":
            _mode(action.set_mode.mode, place)
        case None:
            raise _rejected("ACTION_UNKNOWN", "no known action, expected move, turn, set_mode, start or stop", place)


def _step(state: cleaner.State, action: Action) -> cleaner.State:
    match action.WhichOneof("kind"):
        case "move":
            return cleaner.move(state, action.move.distance)
        case "turn":
            return cleaner.turn(state, action.turn.angle_degrees)
        case "set_mode":
            return cleaner.set_mode(state, action.set_mode.mode)
        case "start":
            return cleaner.start(state)
        case _:
            return cleaner.stop(state)


def _event(state: cleaner.State, action: Action) -> Event:
    match action.WhichOneof("kind"):
        case "move":
            return Event(moved=Moved(x=state.x, y=state.y))
        case "turn":
            return Event(turned=Turned(heading_degrees=state.angle))
        case "set_mode":
            return Event(mode_set=ModeSet(mode=_mode_of(state)))
        case "start":
            return Event(started=Started(mode=_mode_of(state)))
        case _:
            return Event(stopped=Stopped())


def _finite(field: str, number: float, place: Place = None) -> float:
    """`number`, and 0.0 for -0.0, which no sum of the logic's brings back."""
    if not math.isfinite(number):
        raise _rejected("NUMBER_NOT_FINITE", f"{field} is {number}, expected a finite number", place)
    return number + 0.0


def _mode(number: int, place: Place = None) -> int:
    if number not in MODES.values():
        raise _rejected("MODE_UNKNOWN", f"mode is {number}, expected 1 (water), 2 (soap) or 3 (brush)", place)
    return number


def _mode_of(state: cleaner.State) -> CleaningMode.ValueType:
    return CleaningMode.ValueType(state.mode)


def _rejected(reason: str, message: str, place: Place = None) -> Rejected:
    error = CommandError(reason=CommandError.Reason.Value(f"REASON_{reason}"), message=message)
    if isinstance(place, int):
        error.action_index = place
    elif place is not None:
        error.script_position.CopyFrom(place)
    return Rejected(error)
