"""The calls that every tool makes, and what has to come back: the same for all tools, over every transport. It knows
the contract and its JSON, and no tool."""

import json
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from toolbox import Ran, equal, that

SERVICE = "robot.v1.RobotService"
METHODS = ["Execute", "ExecuteStream", "GetServerInfo", "WatchWorkers"]
CODES = {"InvalidArgument": 3, "DeadlineExceeded": 4, "NotFound": 5, "ResourceExhausted": 8, "Unauthenticated": 16}

EXECUTE = json.dumps(
    {
        "commands": [
            {"id": "18446744073709551615", "state": {"x": -1.5}, "script": "move 2; start; stop", "withEvents": True},
            {"id": 0},
        ]
    }
)
# With the defaults shown: an id of 0, a y of 0, the first action of all.
EXECUTED: list[dict[str, Any]] = [
    {
        "id": "0",
        "error": {
            "reason": "REASON_STATE_MISSING",
            "message": "state is missing, expected one in every command (an empty one is the initial state)",
        },
        "events": [],
    },
    {
        "id": "18446744073709551615",
        "state": {"x": 0.5, "y": 0, "headingDegrees": 0, "mode": "CLEANING_MODE_WATER"},
        "events": [
            {"moved": {"x": 0.5, "y": 0}},
            {"started": {"mode": "CLEANING_MODE_WATER"}},
            {"stopped": {}},
        ],
    },
]

# One message a line, the third without a command; in the second is what is wrong, amid what is right.
STREAM = "\n".join(
    json.dumps({"commands": commands})
    for commands in (
        [
            {"id": 1, "state": {}, "script": "move 5; turn 90; set soap"},
            {"id": 2, "state": {"headingDegrees": 45}},
        ],
        [
            {"id": 3, "state": {}, "actions": [{"turn": {"angleDegrees": "NaN"}}]},
            {"id": 4, "state": {}, "script": "start\nmove fast"},
        ],
        [],
        [
            {
                "id": 5,
                "state": {"mode": "CLEANING_MODE_BRUSH"},
                "actions": [{"move": {"distance": -2}}, {"setMode": {"mode": 2}}],
            }
        ],
    )
)
STREAMED: list[dict[str, Any]] = [
    {"id": "1", "state": {"x": 5, "y": 0, "headingDegrees": 90, "mode": "CLEANING_MODE_SOAP"}, "events": []},
    {"id": "2", "state": {"x": 0, "y": 0, "headingDegrees": 45, "mode": "CLEANING_MODE_WATER"}, "events": []},
    {
        "id": "3",
        "error": {
            "reason": "REASON_NUMBER_NOT_FINITE",
            "message": "actions[0]: angle_degrees is NaN, expected a finite number",
            "actionIndex": 0,
        },
        "events": [],
    },
    {
        "id": "4",
        "error": {
            "reason": "REASON_SCRIPT_SYNTAX",
            "message": 'line 2, column 6: found "fast", expected a finite number such as 90, -12.5 or 1e3',
            "scriptPosition": {"line": 2, "column": 6},
        },
        "events": [],
    },
    {"id": "5", "state": {"x": -2, "y": 0, "headingDegrees": 0, "mode": "CLEANING_MODE_SOAP"}, "events": []},
]

# What every tool has had answered when it comes to watch the workers.
COMMANDS_BEFORE = len(EXECUTED) + len(STREAMED)

INFO: dict[str, Any] = {
    "semanticsVersion": 1,
    "limits": {
        "commandsPerMessageMax": 4096,
        "actionsPerCommandMax": 10000,
        "messageBytesMax": "1048576",
        "streamInFlightBytesMax": "524288",
        "commandsPerJobMax": 128,
        "queueJobsMax": 1024,
        "queueBytesMax": "67108864",
        "streamIdleMsMax": 300000,
        "streamStallMsMax": 120000,
        "connectionAgeMsMax": 3600000,
    },
    "workers": 2,
    "queueKind": "QUEUE_KIND_EMBEDDED",
}

TOO_MANY = json.dumps({"commands": [{"state": {}}] * 4097})
TOO_MANY_MESSAGE = "a message holds 4097 commands; at most 4096 are allowed"
BAD_INTERVAL = '{"interval_ms": 99}'
BAD_INTERVAL_MESSAGE = "interval_ms is 99; it must be 0 for the default, or 100 to 60000"


def documents(text: str) -> Iterator[dict[str, Any]]:
    """The JSON objects of a text."""
    decoder, text = json.JSONDecoder(), text.strip()
    while text:
        document, end = decoder.raw_decode(text)
        yield document
        text = text[end:].lstrip()


def results(text: str) -> list[dict[str, Any]]:
    """All results, by id, however they were spread over messages. What differs from run to run is checked and left
    out."""
    found = [result for message in documents(text) for result in message["results"]]
    for result in found:
        execution = result.pop("execution")
        equal(sorted(execution), ["jobCommands", "queueNanos", "runNanos", "worker"], "execution's fields")
        that(execution["worker"] in (1, 2), f"worker is {execution['worker']}, of 2")
        that(execution["jobCommands"] >= 1, f"a job of {execution['jobCommands']} commands")
        that(int(execution["runNanos"]) > 0, "a job ran in no time")
    return sorted(found, key=lambda result: int(result["id"]))


def are(found: list[dict[str, Any]], expected: list[dict[str, Any]]) -> None:
    """Compares results one by one, so that what differs is easily seen."""
    equal([result["id"] for result in found], [result["id"] for result in expected], "ids")
    for result, wanted in zip(found, expected, strict=True):
        equal(result, wanted, f"id {wanted['id']}")


def is_info(ran: Ran) -> None:
    """GetServerInfo says what this server is."""
    equal((ran.code, ran.err), (0, ""), "exit code and stderr")
    [info] = documents(ran.out)
    that(info.pop("version").count(".") == 2, "the version has three parts")
    equal(info, INFO)


def is_watch(ran: Ran) -> None:
    """WatchWorkers gave snapshots, each later than the one before."""
    snapshots = list(documents(ran.out))
    that(len(snapshots) >= 2, f"{len(snapshots)} snapshots in two seconds, at one each 100 ms")
    uptimes = [int(snapshot["uptimeNanos"]) for snapshot in snapshots]
    that(uptimes[0] > 0 and all(a < b for a, b in pairwise(uptimes)), f"uptime does not grow: {uptimes}")
    for snapshot in snapshots:
        equal([worker["worker"] for worker in snapshot["workers"]], [1, 2], "workers")
        run = sum(int(worker["commands"]) for worker in snapshot["workers"])
        that(run >= COMMANDS_BEFORE, f"{run} commands were run, {COMMANDS_BEFORE} had been answered")
    equal(snapshots[-1]["queue"], {"jobs": 0, "jobsMax": 1024, "idleWorkers": 2}, "queue")
    equal(snapshots[-1]["openCalls"], 0, "open calls")
