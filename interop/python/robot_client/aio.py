"""The client with asyncio. `sync` is its twin; what is changed here is changed there."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from pathlib import Path
from types import TracebackType

import grpc
import grpc.aio
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


class AsyncRobotClient:
    """A connection to one server, which many tasks may use at once. Make it while the event loop runs."""

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
            self.channel = grpc.aio.insecure_channel(address, CHANNEL_OPTIONS)
        else:
            self.channel = grpc.aio.secure_channel(address, secure, CHANNEL_OPTIONS)
        self.stub = RobotServiceStub(self.channel)
        self.metadata = tuple(metadata)

    async def __aenter__(self) -> AsyncRobotClient:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.channel.close()

    async def execute(self, state: RobotState, actions: str | Iterable[Action], *, timeout: float = 10.0) -> RobotState:
        """The state after `actions`, a script or a list; raises `CommandRejected`, or `grpc.RpcError`."""
        (result,) = await self.execute_all([command(1, state, actions)], timeout=timeout)
        return state_of(result)

    async def execute_all(self, commands: Iterable[RobotCommand], *, timeout: float = 10.0) -> Sequence[RobotResult]:
        """One result a command, in their order; for more than some hundred, a session is better."""
        request = ExecuteRequest(commands=commands)
        response = await self.stub.Execute(request, timeout=timeout, metadata=self.metadata)
        return response.results

    async def server_info(self, *, timeout: float = 10.0) -> GetServerInfoResponse:
        """What the server is, and what may be sent to it."""
        return await self.stub.GetServerInfo(GetServerInfoRequest(), timeout=timeout, metadata=self.metadata)

    def session(self, *, in_flight_max: int = 256, timeout: float | None = None) -> AsyncSession:
        """A stream of commands and results; `timeout` bounds all of it, in seconds."""
        return AsyncSession(self, in_flight_max, timeout)


class AsyncSession:
    """Commands and results over one stream after the other. One task sends while another one iterates.

    Each command is answered once, whatever happens to the streams. After `cancel`, iterating ends.
    """

    def __init__(self, client: AsyncRobotClient, in_flight_max: int, timeout: float | None) -> None:
        self.code: grpc.StatusCode | None = None  # how the last stream ended
        self._client = client
        self._ends_at = None if timeout is None else time.monotonic() + timeout
        # Is notified of each change of what is below.
        self._changed = asyncio.Condition()
        self._ledger = Ledger(in_flight_max)
        self._over = False
        self._streams = 0  # that have ended
        self._call: grpc.aio.StreamStreamCall[ExecuteStreamRequest, ExecuteStreamResponse] | None = None

    async def __aenter__(self) -> AsyncSession:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cancel()

    @property
    def resent(self) -> int:
        """Commands that were sent again."""
        return self._ledger.resent

    async def send(self, commands: Sequence[RobotCommand]) -> None:
        """Sends `commands` as one message, once the window has room for them."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._over or self._ledger.has_room(len(commands)))
            if self._over:
                raise ValueError("the session is over; who iterates knows why")
            self._ledger.submit(commands)
            self._changed.notify_all()

    async def finish(self) -> None:
        """No more commands: iterating ends once all are answered."""
        async with self._changed:
            self._ledger.finished = True
            self._changed.notify_all()

    async def cancel(self) -> None:
        async with self._changed:
            self._over = True
            self._changed.notify_all()
        if self._call is not None:
            self._call.cancel()

    async def __aiter__(self) -> AsyncIterator[RobotResult]:
        try:
            while await self._stream_due():
                call = await self._open()
                try:
                    async for response in call:
                        for result in await self._answered(response):
                            yield result
                    self.code = grpc.StatusCode.OK
                except grpc.aio.AioRpcError as error:
                    # INTERNAL also hides a status that came while a write failed (grpc/grpc#36066): the next stream
                    # brings it to light.
                    self.code = error.code()
                    if not self._over and self.code not in RESEND_AFTER:
                        raise
                except asyncio.CancelledError:
                    # A call that was cancelled on this side says so with the exception that ends a task.
                    if not self._over:
                        raise
                    self.code = await call.code()
                await self._stream_ended(self.code)
        finally:
            await self.cancel()

    async def _stream_due(self) -> bool:
        """Waits until there is something to send on a new stream; False once the session is over."""
        async with self._changed:
            await self._changed.wait_for(
                lambda: self._over or self._streams == 0 or self._ledger.done or self._ledger.has_mail
            )
            return not self._over and (self._streams == 0 or not self._ledger.done)

    async def _open(self) -> grpc.aio.StreamStreamCall[ExecuteStreamRequest, ExecuteStreamResponse]:
        """A stream on which the server has answered with its headers, or which has ended."""
        now = time.monotonic()
        call = self._client.stub.ExecuteStream(
            self._requests(self._streams),
            timeout=None if self._ends_at is None else max(0.0, self._ends_at - now),
            metadata=self._client.metadata,
        )
        self._call = call
        if self._over:
            call.cancel()
        try:
            await asyncio.wait_for(call.initial_metadata(), OUTAGE_SECONDS_MAX)
        except asyncio.TimeoutError:
            call.cancel()
            raise self._ledger.gave_up("the server cannot be reached") from None
        return call

    async def _requests(self, stream: int) -> AsyncIterator[ExecuteStreamRequest]:
        """What is to be sent on this stream; a task of grpc's takes it, and has to be let go when the stream ends."""
        while True:
            async with self._changed:
                await self._changed.wait_for(
                    lambda: self._over or self._streams != stream or self._ledger.has_mail or self._ledger.finished
                )
                if self._over or self._streams != stream or not self._ledger.has_mail:
                    return
                message = self._ledger.next_message()
            yield message

    async def _answered(self, response: ExecuteStreamResponse) -> Sequence[RobotResult]:
        async with self._changed:
            results = self._ledger.answered(response)
            self._changed.notify_all()
        return results

    async def _stream_ended(self, code: grpc.StatusCode) -> None:
        async with self._changed:
            self._streams += 1
            self._changed.notify_all()
            if self._over or self._ledger.done:
                return
            wait_seconds = self._ledger.stream_broke(code)
        await asyncio.sleep(wait_seconds)
