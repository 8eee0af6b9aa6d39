"""What of a session is unanswered, and what to do when its stream breaks. No I/O, no clock, no threads."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence

import grpc
from robot.v1.robot_pb2 import (
    ExecuteStreamRequest,
    ExecuteStreamResponse,
    RobotCommand,
    RobotResult,
)

# What is unanswered after one of these is sent again: it may have been lost on the way. After any other status the
# same bytes would fail again. OK is here for a stream that ends well and too early, CANCELLED for one that the other
# side has reset.
RESEND_AFTER = frozenset(
    {
        grpc.StatusCode.OK,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.UNAVAILABLE,
    }
)
FRUITLESS_STREAMS_MAX = 3
BACKOFF_SECONDS_MIN = 0.05
BACKOFF_SECONDS_MAX = 2.0


class GaveUp(Exception):
    """Trying again has not helped."""

    def __init__(self, why: str, unanswered: Sequence[int]) -> None:
        super().__init__(f"gave up: {why}; {len(unanswered)} commands are unanswered")
        self.unanswered = unanswered


class Unasked(Exception):
    """The server answered a command that was not waiting for an answer."""


class Ledger:
    """The commands of one session that are unanswered, by id, and the messages that are yet to be sent."""

    def __init__(self, in_flight_max: int) -> None:
        self.finished = False
        self.resent = 0
        self._in_flight_max = in_flight_max
        self._unanswered: dict[int, RobotCommand] = {}
        self._outbox: deque[ExecuteStreamRequest] = deque()
        self._fruitless_streams = 0
        self._progressed = False

    @property
    def done(self) -> bool:
        """Everything is answered, and nothing more is to come."""
        return self.finished and not self._unanswered

    @property
    def has_mail(self) -> bool:
        return bool(self._outbox)

    def has_room(self, commands: int) -> bool:
        """Whether so many may be sent now. What is larger than the window goes alone."""
        return not self._unanswered or len(self._unanswered) + commands <= self._in_flight_max

    def submit(self, commands: Sequence[RobotCommand]) -> None:
        by_id = {command.id: command for command in commands}
        if len(by_id) < len(commands) or not by_id.keys().isdisjoint(self._unanswered):
            raise ValueError("two unanswered commands have one id: their results could not be told apart")
        self._unanswered |= by_id
        self._outbox.append(ExecuteStreamRequest(commands=commands))

    def next_message(self) -> ExecuteStreamRequest:
        return self._outbox.popleft()

    def answered(self, response: ExecuteStreamResponse) -> Sequence[RobotResult]:
        for result in response.results:
            if self._unanswered.pop(result.id, None) is None:
                raise Unasked(f"a result of id {result.id} came, which no unanswered command has")
        self._progressed = True
        return response.results

    def stream_broke(self, code: grpc.StatusCode) -> float:
        """Puts what is unanswered back into the outbox; returns how many seconds to wait before the next stream.

        Each command is a message of its own now: what was small enough once is small enough again.
        """
        self._fruitless_streams = 0 if self._progressed or not self._unanswered else self._fruitless_streams + 1
        self._progressed = False
        if self._fruitless_streams >= FRUITLESS_STREAMS_MAX:
            raise self.gave_up(f"{FRUITLESS_STREAMS_MAX} streams in a row without a result, the last ended {code.name}")
        self._outbox = deque(ExecuteStreamRequest(commands=[command]) for command in self._unanswered.values())
        self.resent += len(self._outbox)
        longest = min(BACKOFF_SECONDS_MAX, BACKOFF_SECONDS_MIN * 2.0**self._fruitless_streams)
        return longest * random.uniform(0.5, 1.0)

    def gave_up(self, why: str) -> GaveUp:
        return GaveUp(why, list(self._unanswered))
