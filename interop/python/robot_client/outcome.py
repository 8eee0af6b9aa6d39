"""Commands and what comes of them: a state, or a `CommandRejected` that says why there is none."""

from __future__ import annotations

from collections.abc import Iterable

from robot.v1.robot_pb2 import Action, CommandError, RobotCommand, RobotResult, RobotState


class CommandRejected(Exception):
    """The server refused this one command; the same command would be refused again."""

    def __init__(self, error: CommandError) -> None:
        super().__init__(error.message)
        self.reason = error.reason
        self.action_index = error.action_index if error.HasField("action_index") else None
        self.script_position = error.script_position if error.HasField("script_position") else None


def command(id: int, state: RobotState, actions: str | Iterable[Action], *, with_events: bool = False) -> RobotCommand:
    """A command; `actions` is a script, such as "turn 90; move 2", or a list of actions."""
    if isinstance(actions, str):
        return RobotCommand(id=id, state=state, script=actions, with_events=with_events)
    return RobotCommand(id=id, state=state, actions=actions, with_events=with_events)


def state_of(result: RobotResult) -> RobotState:
    """The state in `result`; raises `CommandRejected` if there is none."""
    if result.HasField("state"):
        return result.state
    raise CommandRejected(result.error)
