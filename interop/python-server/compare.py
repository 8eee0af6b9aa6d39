"""Plays the commands of interop/vectors over a server and tells how far its results are from them.

The vectors have the bits of one library's sines and cosines; those of another may be a unit in the last place away. A
result is near if each sine and cosine can be taken as it is here, or as its neighbour below or above, so that they lead
to the result, and nothing else in it differs. A tolerance would not do: sums cancel, and then few digits are left.
"""

from __future__ import annotations

import math
import sys
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from peer.vectors import VECTORS, Entry, Mismatch, compare, entries_of
from robot.v1.robot_pb2 import Moved, RobotCommand, RobotResult, RobotState
from robot_client import RobotClient, Session

from cleaner import RADIANS_PER_DEGREE
from command import actions_of

FILE_SECONDS_MAX = 60.0
IN_FLIGHT_MAX = 64


def main() -> int:
    total: Counter[str] = Counter()
    with RobotClient(sys.argv[1]) as robot:
        for path in sorted((VECTORS / "commands").glob("*.json")):
            judged = play(robot, entries_of(path.stem))
            print(f"{path.stem}: {text_of(judged)}", flush=True)
            total += judged
    print(f"in all: {text_of(total)}")
    return 0 if total["same"] and not total["other"] else 1


def play(robot: RobotClient, entries: list[Entry]) -> Counter[str]:
    by_id = {entry.command.id: entry for entry in entries}
    judged: Counter[str] = Counter()
    with (
        ThreadPoolExecutor(1) as threads,
        robot.session(in_flight_max=IN_FLIGHT_MAX, timeout=FILE_SECONDS_MAX) as session,
    ):
        threads.submit(send, session, entries)
        for result in session:
            judged[judge(by_id.pop(result.id), result)] += 1
    judged["other"] += len(by_id)
    return judged


def send(session: Session, entries: list[Entry]) -> None:
    for entry in entries:
        session.send([entry.command])
    session.finish()


def judge(entry: Entry, result: RobotResult) -> str:
    """Whether the result is the `same`, `near` or `other` than the vector's."""
    try:
        compare(entry, result)
    except Mismatch as mismatch:
        if is_near(entry, result):
            return "near"
        print(f"beyond a unit in the last place: {mismatch}")
        return "other"
    return "same"


def is_near(entry: Entry, result: RobotResult) -> bool:
    ours, theirs = positions(result), positions(entry.result)
    if (
        not theirs
        or len(ours) != len(theirs)
        or not is_reachable(entry.command, ours)
        or not is_reachable(entry.command, theirs)
    ):
        return False
    # Nothing but positions may differ.
    moved = RobotResult()
    moved.CopyFrom(result)
    for position, (x, y) in zip(_with_position(moved), theirs, strict=True):
        position.x, position.y = x, y
    try:
        compare(entry, moved)
    except Mismatch:
        return False
    return True


def positions(result: RobotResult) -> list[tuple[float, float]]:
    """That of each event that has one, and the last."""
    return [(position.x, position.y) for position in _with_position(result)]


def _with_position(result: RobotResult) -> list[Moved | RobotState]:
    moved: list[Moved | RobotState] = [event.moved for event in result.events if event.HasField("moved")]
    return [*moved, result.state] if result.HasField("state") else moved


def is_reachable(command: RobotCommand, positions: list[tuple[float, float]]) -> bool:
    """Whether the command can lead to the positions, one for each move if there are events."""
    expected = iter(positions)
    heading = command.state.heading_degrees
    xs, ys = {command.state.x}, {command.state.y}
    for _place, action in actions_of(command):
        if action.HasField("turn"):
            heading += action.turn.angle_degrees
        if action.HasField("move"):
            radians, distance = heading * RADIANS_PER_DEGREE, action.move.distance
            xs = {x + distance * cosine for x in xs for cosine in neighbours(math.cos(radians))}
            ys = {y + distance * sine for y in ys for sine in neighbours(math.sin(radians))}
            if command.with_events:
                x, y = next(expected)
                if x not in xs or y not in ys:
                    return False
                xs, ys = {x}, {y}
    x, y = next(expected)
    return x in xs and y in ys


def neighbours(number: float) -> tuple[float, float, float]:
    return math.nextafter(number, -math.inf), number, math.nextafter(number, math.inf)


def text_of(judged: Counter[str]) -> str:
    return (
        f"{judged.total()} commands, {judged['same']} with the same bits, {judged['near']} within a unit in the last "
        f"place a sine or cosine, {judged['other']} beyond"
    )


if __name__ == "__main__":
    raise SystemExit(main())
