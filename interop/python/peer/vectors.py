"""The scenarios and their commands, as interop/README.md describes them, and how a result is compared."""

from __future__ import annotations

import base64
import json
import struct
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from google.protobuf.json_format import ParseDict
from robot.v1.robot_pb2 import (
    CommandError,
    Event,
    GetServerInfoResponse,
    QueueKind,
    RobotCommand,
    RobotResult,
    WatchWorkersResponse,
)

VECTORS = Path(__file__).resolve().parents[2] / "vectors"
SEMANTICS_VERSION = 1


class Mismatch(Exception):
    """Something came out otherwise than the vectors say."""


@dataclass(frozen=True)
class Entry:
    command: RobotCommand
    result: RobotResult
    bits: dict[str, str]


@dataclass(frozen=True)
class Scenario:
    name: str
    call: str
    entries: Sequence[Entry]
    messages_of: int
    in_flight_max: int
    half_close: str
    metadata: Sequence[tuple[str, str | bytes]]
    deadline_seconds: float
    cancel_after: int
    restart_after: int
    status: str

    @property
    def commands(self) -> list[RobotCommand]:
        return [entry.command for entry in self.entries]

    @property
    def messages(self) -> Iterator[list[RobotCommand]]:
        commands = self.commands
        for start in range(0, len(commands), self.messages_of):
            yield commands[start : start + self.messages_of]


def scenarios() -> list[Scenario]:
    return [_scenario(fields) for fields in json.loads((VECTORS / "scenarios.json").read_text())["scenarios"]]


def _scenario(fields: dict[str, Any]) -> Scenario:
    return Scenario(
        name=fields["name"],
        call=fields["call"],
        entries=entries_of(fields["commands"], fields["times"]) if fields["commands"] else [],
        messages_of=fields["messagesOf"],
        in_flight_max=fields["inFlightMax"],
        half_close=fields["halfClose"],
        metadata=[
            (key, base64.b64decode(value) if key.endswith("-bin") else value)
            for key, value in fields["metadata"].items()
        ],
        deadline_seconds=fields["deadlineMs"] / 1000,
        cancel_after=fields["cancelAfter"],
        restart_after=fields["restartAfter"],
        status=fields["status"],
    )


def entries_of(name: str, times: int = 1) -> list[Entry]:
    entries = []
    for fields in json.loads((VECTORS / "commands" / f"{name}.json").read_text())["commands"]:
        command, result = ParseDict(fields["command"], RobotCommand()), ParseDict(fields["result"], RobotResult())
        entries.append(Entry(command, result, fields.get("bits", {})))
    # Ids stay unique: a session could not tell the results of one id apart.
    return entries + [_renumbered(entry, number) for number in range(1, times) for entry in entries]


def _renumbered(entry: Entry, number: int) -> Entry:
    command, result = RobotCommand(), RobotResult()
    command.CopyFrom(entry.command)
    result.CopyFrom(entry.result)
    command.id = result.id = entry.command.id + number * 1_000_000
    return Entry(command, result, entry.bits)


class Answers:
    """Takes each result once and compares it."""

    def __init__(self, entries: Sequence[Entry]) -> None:
        self.taken = 0
        self.workers: Counter[int] = Counter()
        self._waiting = {entry.command.id: entry for entry in entries}

    @property
    def complete(self) -> bool:
        return not self._waiting

    def take(self, result: RobotResult) -> None:
        entry = self._waiting.pop(result.id, None)
        if entry is None:
            raise Mismatch(f"id {result.id}: a result that nobody waits for")
        compare(entry, result)
        self.taken += 1
        self.workers[result.execution.worker] += 1

    def expect_complete(self) -> None:
        if not self.complete:
            raise Mismatch(f"{len(self._waiting)} commands are unanswered, id {min(self._waiting)} among them")


def compare(entry: Entry, result: RobotResult) -> None:
    """Raises a `Mismatch` unless `result` is what the entry says."""

    def expect(what: str, found: object, expected: object) -> None:
        if found != expected:
            raise Mismatch(f"id {entry.command.id}: {what} is {found}, not {expected}")

    expect("id", result.id, entry.result.id)
    expect("outcome", result.WhichOneof("outcome"), entry.result.WhichOneof("outcome"))
    expect("whether there is a worker", result.execution.worker >= 1, True)
    if result.HasField("error"):
        expect("whether there is a message", result.error.message != "", True)
        expect("reason", _reason(result.error), _reason(entry.result.error))
        expect("location", _location(result.error), _location(entry.result.error))
    else:
        found, expected = result.state, entry.result.state
        expect("x", bits(found.x), entry.bits["x"])
        expect("y", bits(found.y), entry.bits["y"])
        expect("headingDegrees", bits(found.heading_degrees), entry.bits["headingDegrees"])
        expect("mode", found.mode, expected.mode)
    expect("events", _events(result.events), _events(entry.result.events))


def bits(number: float) -> str:
    return struct.pack(">d", number).hex()


def _reason(error: CommandError) -> str:
    return CommandError.Reason.Name(error.reason)


def _location(error: CommandError) -> str:
    match error.WhichOneof("location"):
        case "action_index":
            return f"action {error.action_index}"
        case "script_position":
            return f"line {error.script_position.line}, column {error.script_position.column}"
        case _:
            return "none"


def _events(events: Sequence[Event]) -> list[str]:
    """Each event's bytes, since doubles that are equal may have different bits."""
    return [event.SerializeToString(deterministic=True).hex() for event in events]


def expect_info(info: GetServerInfoResponse) -> None:
    if info.semantics_version != SEMANTICS_VERSION:
        raise Mismatch(f"semantics_version is {info.semantics_version}, not {SEMANTICS_VERSION}")
    if info.workers < 1:
        raise Mismatch("there are no workers")
    if info.queue_kind != QueueKind.QUEUE_KIND_EMBEDDED:
        raise Mismatch(f"queue_kind is {info.queue_kind}")
    for limit in info.limits.DESCRIPTOR.fields:
        if limit.name != "connection_age_ms_max" and getattr(info.limits, limit.name) == 0:
            raise Mismatch(f"{limit.name} is 0")


def expect_snapshots(first: WatchWorkersResponse, second: WatchWorkersResponse) -> None:
    if not first.workers or len(second.workers) != len(first.workers):
        raise Mismatch(f"{len(first.workers)} workers are listed, and then {len(second.workers)}")
    if second.uptime_nanos <= first.uptime_nanos:
        raise Mismatch(f"uptime went from {first.uptime_nanos} to {second.uptime_nanos}")
