"""Sessions of both clients against a server that misbehaves as told: one real server a test, on a free port."""

from __future__ import annotations

import asyncio
import unittest
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import grpc
import grpc.aio
from robot.v1.robot_pb2 import ExecuteStreamRequest, ExecuteStreamResponse, RobotCommand, RobotResult, RobotState
from robot.v1.robot_pb2_grpc import RobotServiceServicer, add_RobotServiceServicer_to_server
from robot_client import AsyncRobotClient, GaveUp, RobotClient
from robot_client.ledger import RESEND_AFTER

# How many commands a stream answers before it ends, and with what.
Plan = list[tuple[int, grpc.StatusCode]]
Context = grpc.aio.ServicerContext[ExecuteStreamRequest, ExecuteStreamResponse]
TEST_SECONDS_MAX = 20
COMMANDS = [RobotCommand(id=id, state=RobotState(x=id)) for id in range(10)]


class Misbehaving(RobotServiceServicer):
    def __init__(self, plan: Plan) -> None:
        self.plan = iter(plan)
        self.streams = 0

    async def ExecuteStream(
        self, request_iterator: AsyncIterator[ExecuteStreamRequest], context: Context
    ) -> AsyncIterator[ExecuteStreamResponse]:
        self.streams += 1
        left, code = next(self.plan)
        await context.send_initial_metadata(())
        async for request in request_iterator:
            for command in request.commands:
                if left > 0:
                    left -= 1
                    yield ExecuteStreamResponse(results=[RobotResult(id=command.id, state=command.state)])
            # A refusal comes once everything is read: grpc.aio makes INTERNAL of any status that comes while a write
            # fails (grpc/grpc#36066).
            if left == 0 and code in RESEND_AFTER:
                break
        if code is not grpc.StatusCode.OK:
            await context.abort(code, "as planned")


@asynccontextmanager
async def serving(plan: Plan) -> AsyncIterator[tuple[str, Misbehaving]]:
    server = grpc.aio.server()
    service = Misbehaving(plan)  # type: ignore[abstract]  # the other calls are not made
    add_RobotServiceServicer_to_server(service, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        yield f"127.0.0.1:{port}", service
    finally:
        await server.stop(None)


def run_sync(address: str, commands: Iterable[RobotCommand]) -> tuple[list[RobotResult], int]:
    with RobotClient(address) as robot, robot.session(timeout=TEST_SECONDS_MAX) as session:
        for command in commands:
            session.send([command])
        session.finish()
        return list(session), session.resent


async def run_async(address: str, commands: Iterable[RobotCommand]) -> tuple[list[RobotResult], int]:
    async with AsyncRobotClient(address) as robot, robot.session(timeout=TEST_SECONDS_MAX) as session:
        for command in commands:
            await session.send([command])
        await session.finish()
        return [result async for result in session], session.resent


async def in_thread(address: str, commands: Iterable[RobotCommand]) -> tuple[list[RobotResult], int]:
    return await asyncio.to_thread(run_sync, address, commands)


class Sessions(unittest.IsolatedAsyncioTestCase):
    async def test_what_is_unanswered_is_sent_again_and_each_result_is_given_once(self) -> None:
        code = grpc.StatusCode
        for run in (in_thread, run_async):
            for broken in (code.UNAVAILABLE, code.INTERNAL, code.UNKNOWN, code.ABORTED, code.CANCELLED, code.OK):
                with self.subTest(run=run.__name__, broken=broken):
                    async with serving([(3, broken), (0, broken), (4, broken), (99, code.OK)]) as (address, service):
                        results, resent = await run(address, COMMANDS)
                    self.assertEqual([result.id for result in results], list(range(10)))
                    self.assertEqual([result.state.x for result in results], list(range(10)))
                    self.assertEqual((service.streams, resent), (4, 7 + 7 + 3))

    async def test_what_would_fail_again_is_not_sent_again(self) -> None:
        code = grpc.StatusCode
        for run in (in_thread, run_async):
            for refused in (
                code.INVALID_ARGUMENT,
                code.RESOURCE_EXHAUSTED,
                code.UNAUTHENTICATED,
                code.PERMISSION_DENIED,
            ):
                with self.subTest(run=run.__name__, refused=refused):
                    async with serving([(3, refused)]) as (address, service):
                        with self.assertRaises(grpc.RpcError) as raised:
                            await run(address, COMMANDS)
                    self.assertEqual((raised.exception.code(), service.streams), (refused, 1))

    async def test_three_streams_without_a_result_are_enough(self) -> None:
        unavailable = grpc.StatusCode.UNAVAILABLE
        for run in (in_thread, run_async):
            with self.subTest(run=run.__name__):
                async with serving([(3, unavailable), *[(0, unavailable)] * 9]) as (address, service):
                    with self.assertRaises(GaveUp) as raised:
                        await run(address, COMMANDS)
                self.assertEqual((service.streams, raised.exception.unanswered), (4, list(range(3, 10))))

    async def test_two_unanswered_commands_of_one_id_are_refused(self) -> None:
        for run in (in_thread, run_async):
            with self.subTest(run=run.__name__), self.assertRaises(ValueError):
                await run("127.0.0.1:1", [*COMMANDS, COMMANDS[4]])


if __name__ == "__main__":
    unittest.main()
