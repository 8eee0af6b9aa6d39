"""The client with threads. `aio` is its twin; what is changed here is changed there."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType

import grpc
from robot.v1.robot_pb2 import (
    Action,
    ExecuteRequest,
    ExecuteStreamRequest,
    ExecuteStreamResponse,
    GetServerInfoRequest,
    GetServerInfoResponse,
    RobotCommand,
    RobotResult,
    RobotState,
)
from robot.v1.robot_pb2_grpc import RobotServiceStub

from .ledger import RESEND_AFTER, Ledger
from .outcome import command, state_of
from .transport import CHANNEL_OPTIONS, OUTAGE_SECONDS_MAX, credentials


class RobotClient:
    """A connection to one server, which many threads may use at once."""

    def __init__(
        self,
        address: str,
        *,
        ca: Path | None = None,
        token: str | None = None,
        metadata: Sequence[tuple[str, str | bytes]] = (),
    ) -> None:
        secure = credentials(ca, token)
        if secure is None:
            self.channel = grpc.insecure_channel(address, CHANNEL_OPTIONS)
        else:
            self.channel = grpc.secure_channel(address, secure, CHANNEL_OPTIONS)
        self.stub = RobotServiceStub(self.channel)
        self.metadata = tuple(metadata)

    def __enter__(self) -> RobotClient:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.channel.close()

    def execute(self, state: RobotState, actions: str | Iterable[Action], *, timeout: float = 10.0) -> RobotState:
        """The state after `actions`, a script or a list; raises `CommandRejected`, or `grpc.RpcError`."""
        (result,) = self.execute_all([command(1, state, actions)], timeout=timeout)
        return state_of(result)

    def execute_all(self, commands: Iterable[RobotCommand], *, timeout: float = 10.0) -> Sequence[RobotResult]:
        """One result a command, in their order; for more than some hundred, a session is better."""
        request = ExecuteRequest(commands=commands)
        return self.stub.Execute(request, timeout=timeout, metadata=self.metadata).results

    def server_info(self, *, timeout: float = 10.0) -> GetServerInfoResponse:
        """What the server is, and what may be sent to it."""
        return self.stub.GetServerInfo(GetServerInfoRequest(), timeout=timeout, metadata=self.metadata)

    def session(self, *, in_flight_max: int = 256, timeout: float | None = None) -> Session:
        """A stream of commands and results; `timeout` bounds all of it, in seconds."""
        return Session(self, in_flight_max, timeout)


class Session:
    """Commands and results over one stream after the other. One thread sends while another one iterates.

    Each command is answered once, whatever happens to the streams. After `cancel`, iterating ends.
    """

    def __init__(self, client: RobotClient, in_flight_max: int, timeout: float | None) -> None:
        self.code: grpc.StatusCode | None = None  # how the last stream ended
        self._client = client
        self._ends_at = None if timeout is None else time.monotonic() + timeout
        # Guards all below, and is notified of each change.
        self._changed = threading.Condition()
        self._ledger = Ledger(in_flight_max)
        self._over = False
        self._streams = 0  # that have ended
        self._call: grpc.Call | None = None

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cancel()

    @property
    def resent(self) -> int:
        """Commands that were sent again."""
        return self._ledger.resent

    def send(self, commands: Sequence[RobotCommand]) -> None:
        """Sends `commands` as one message, once the window has room for them."""
        with self._changed:
            self._changed.wait_for(lambda: self._over or self._ledger.has_room(len(commands)))
            if self._over:
                raise ValueError("the session is over; who iterates knows why")
            self._ledger.submit(commands)
            self._changed.notify_all()

    def finish(self) -> None:
        """No more commands: iterating ends once all are answered."""
        with self._changed:
            self._ledger.finished = True
            self._changed.notify_all()

    def cancel(self) -> None:
        with self._changed:
            self._over = True
            self._changed.notify_all()
            call = self._call
        if call is not None:
            call.cancel()

    def __iter__(self) -> Iterator[RobotResult]:
        try:
            while self._stream_due():
                try:
                    for response in self._open():
                        yield from self._answered(response)
                    self.code = grpc.StatusCode.OK
                except grpc.RpcError as error:
                    self.code = error.code()
                    if not self._over and self.code not in RESEND_AFTER:
                        raise
                self._stream_ended(self.code)
        finally:
            self.cancel()

    def _stream_due(self) -> bool:
        """Waits until there is something to send on a new stream; False once the session is over."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._over or self._streams == 0 or self._ledger.done or self._ledger.has_mail
            )
            return not self._over and (self._streams == 0 or not self._ledger.done)

    def _open(self) -> Iterator[ExecuteStreamResponse]:
        """A stream on which the server has answered with its headers, or which has ended."""
        now = time.monotonic()
        with self._changed:
            call = self._client.stub.ExecuteStream(
                self._requests(self._streams),
                timeout=None if self._ends_at is None else max(0.0, self._ends_at - now),
                metadata=self._client.metadata,
            )
            self._call = call
            if self._over:
                call.cancel()
        outage = threading.Timer(OUTAGE_SECONDS_MAX, call.cancel)
        outage.start()
        try:
            call.initial_metadata()
        finally:
            outage.cancel()
        if time.monotonic() - now >= OUTAGE_SECONDS_MAX and not self._over:
            raise self._ledger.gave_up("the server cannot be reached")
        return iter(call)

    def _requests(self, stream: int) -> Iterator[ExecuteStreamRequest]:
        """What is to be sent on this stream; a thread of grpc's takes it, and has to be let go when the stream ends."""
        while True:
            with self._changed:
                self._changed.wait_for(
                    lambda: self._over or self._streams != stream or self._ledger.has_mail or self._ledger.finished
                )
                if self._over or self._streams != stream or not self._ledger.has_mail:
                    return
                message = self._ledger.next_message()
            yield message

    def _answered(self, response: ExecuteStreamResponse) -> Sequence[RobotResult]:
        with self._changed:
            results = self._ledger.answered(response)
            self._changed.notify_all()
        return results

    def _stream_ended(self, code: grpc.StatusCode) -> None:
        with self._changed:
            self._streams += 1
            self._changed.notify_all()
            if not self._over and not self._ledger.done:
                wait_seconds = self._ledger.stream_broke(code)
                self._changed.wait_for(lambda: self._over, wait_seconds)
