"""A second server of the contract, on asyncio: it has one worker, which is the event loop, and no queue."""

from __future__ import annotations

import argparse
import asyncio
import signal
import time
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import contextmanager

import grpc
import grpc.aio
from robot.v1.robot_pb2 import (
    ExecuteRequest,
    ExecuteResponse,
    ExecuteStreamRequest,
    ExecuteStreamResponse,
    Execution,
    GetServerInfoRequest,
    GetServerInfoResponse,
    Limits,
    QueueKind,
    QueueSnapshot,
    RobotCommand,
    RobotResult,
    WatchWorkersRequest,
    WatchWorkersResponse,
    WorkerSnapshot,
)
from robot.v1.robot_pb2_grpc import RobotServiceServicer, add_RobotServiceServicer_to_server

from command import ACTIONS_MAX, result_of

VERSION = "0.1.0-python"
# That of the Rust server, whose moves may differ from these by one unit in the last place a sine or cosine.
SEMANTICS_VERSION = 1
WORKER = 1
COMMANDS_PER_MESSAGE_MAX = 4096
MESSAGE_BYTES_MAX = 1 << 20
# Of one message of results. What clients accept is 4 MiB, and one result may take half a MiB.
RESPONSE_BYTES_MAX = 1 << 18
EXECUTE_RESPONSE_BYTES_MAX = 1 << 22
TOO_MANY_COMMANDS = f"too many commands in one message, expected at most {COMMANDS_PER_MESSAGE_MAX}"
WATCH_MS = range(100, 60_001)
WATCH_MS_DEFAULT = 1000
DRAIN_SECONDS_MAX = 5


class RobotService(RobotServiceServicer):
    def __init__(self) -> None:
        self._started_at = time.monotonic_ns()
        self._open_calls = 0
        self._worker = WorkerSnapshot(worker=WORKER)

    async def ExecuteStream(
        self,
        request_iterator: AsyncIterator[ExecuteStreamRequest],
        context: grpc.aio.ServicerContext[ExecuteStreamRequest, ExecuteStreamResponse],
    ) -> AsyncIterator[ExecuteStreamResponse]:
        # Some clients send nothing before they have the headers.
        await context.send_initial_metadata(())
        with self._open_call():
            # A message is read once the results of the one before it are on their way: that is the backpressure.
            async for request in request_iterator:
                if len(request.commands) > COMMANDS_PER_MESSAGE_MAX:
                    await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MANY_COMMANDS)
                for results in _parts(await self._job(request.commands)):
                    yield ExecuteStreamResponse(results=results)

    async def Execute(
        self, request: ExecuteRequest, context: grpc.aio.ServicerContext[ExecuteRequest, ExecuteResponse]
    ) -> ExecuteResponse:
        with self._open_call():
            if len(request.commands) > COMMANDS_PER_MESSAGE_MAX:
                await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, TOO_MANY_COMMANDS)
            response = ExecuteResponse(results=await self._job(request.commands))
            if response.ByteSize() > EXECUTE_RESPONSE_BYTES_MAX:
                await context.abort(
                    grpc.StatusCode.RESOURCE_EXHAUSTED, "the results do not fit into a message of 4 MiB"
                )
            return response

    async def GetServerInfo(
        self,
        request: GetServerInfoRequest,
        context: grpc.aio.ServicerContext[GetServerInfoRequest, GetServerInfoResponse],
    ) -> GetServerInfoResponse:
        limits = Limits(
            commands_per_message_max=COMMANDS_PER_MESSAGE_MAX,
            actions_per_command_max=ACTIONS_MAX,
            message_bytes_max=MESSAGE_BYTES_MAX,
            commands_per_job_max=COMMANDS_PER_MESSAGE_MAX,
        )
        return GetServerInfoResponse(
            version=VERSION,
            semantics_version=SEMANTICS_VERSION,
            limits=limits,
            workers=1,
            queue_kind=QueueKind.QUEUE_KIND_EMBEDDED,
        )

    async def WatchWorkers(
        self,
        request: WatchWorkersRequest,
        context: grpc.aio.ServicerContext[WatchWorkersRequest, WatchWorkersResponse],
    ) -> AsyncIterator[WatchWorkersResponse]:
        interval_ms = request.interval_ms or WATCH_MS_DEFAULT
        if interval_ms not in WATCH_MS:
            await context.abort(
                grpc.StatusCode.INVALID_ARGUMENT, "interval_ms is out of bounds, expected 100 to 60000, or 0"
            )
        while True:
            yield WatchWorkersResponse(
                workers=[self._worker],
                queue=QueueSnapshot(idle_workers=1),
                open_calls=self._open_calls,
                uptime_nanos=time.monotonic_ns() - self._started_at,
            )
            await asyncio.sleep(interval_ms / 1000)

    async def _job(self, commands: Sequence[RobotCommand]) -> list[RobotResult]:
        started_at = time.monotonic_ns()
        results = []
        for command in commands:
            results.append(result_of(command))
            await asyncio.sleep(0)  # Others have their turn.
        run_nanos = time.monotonic_ns() - started_at
        execution = Execution(worker=WORKER, run_nanos=run_nanos, job_commands=len(commands))
        for result in results:
            result.execution.CopyFrom(execution)
        self._worker.jobs += 1
        self._worker.commands += len(commands)
        self._worker.busy_nanos += run_nanos
        return results

    @contextmanager
    def _open_call(self) -> Iterator[None]:
        self._open_calls += 1
        try:
            yield
        finally:
            self._open_calls -= 1


def _parts(results: Iterable[RobotResult]) -> Iterator[list[RobotResult]]:
    """The results, cut so that clients accept each part as one message."""
    part: list[RobotResult] = []
    part_bytes = 0
    for result in results:
        part.append(result)
        part_bytes += result.ByteSize()
        if part_bytes >= RESPONSE_BYTES_MAX:
            yield part
            part, part_bytes = [], 0
    if part:
        yield part


async def serve(address: str) -> None:
    server = grpc.aio.server(options=[("grpc.max_receive_message_length", MESSAGE_BYTES_MAX), ("grpc.so_reuseport", 0)])
    add_RobotServiceServicer_to_server(RobotService(), server)
    port = server.add_insecure_port(address)
    await server.start()
    print(f"listening on port {port}", flush=True)
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await server.stop(DRAIN_SECONDS_MAX)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Serves robot commands, in plaintext: for a loopback address.")
    parser.add_argument("--listen", default="127.0.0.1:50051", metavar="HOST:PORT", help="port 0 is any that is free")
    asyncio.run(serve(parser.parse_args().listen))
