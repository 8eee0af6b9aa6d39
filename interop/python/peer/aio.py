"""Each kind of call, with asyncio. `sync` is its twin."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
import grpc.aio
from robot.v1.robot_pb2 import (
    ExecuteStreamRequest,
    RobotState,
    WatchWorkersRequest,
)
from robot_client import AsyncRobotClient, AsyncSession

from .target import Target, expect_status, unknown
from .vectors import Answers, Mismatch, Scenario, compare, expect_info, expect_snapshots


async def play(scenario: Scenario, target: Target) -> Counter[int]:
    """Raises if the scenario fails. Returns how many commands each worker ran."""
    call = CALLS.get(scenario.call)
    if call is None:
        raise unknown(scenario)
    async with AsyncRobotClient(**target.connection, metadata=scenario.metadata) as robot:
        return await call(robot, scenario, target)


async def stream(robot: AsyncRobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    if scenario.half_close == "before_reading":
        return await send_then_read(robot, scenario)
    answers = Answers(scenario.entries)
    async with robot.session(in_flight_max=scenario.in_flight_max) as session, _sending(session, scenario):
        try:
            async for result in session:
                answers.take(result)
                if answers.complete and scenario.half_close == "after_results":
                    await session.finish()
        except grpc.aio.AioRpcError as error:
            expect_status(error.code(), scenario)
            return answers.workers
        expect_status(session.code, scenario)
        if session.resent:
            raise Mismatch("the stream broke")
    answers.expect_complete()
    return answers.workers


async def send_then_read(robot: AsyncRobotClient, scenario: Scenario) -> Counter[int]:
    """Without a session, which reads while it sends."""
    answers = Answers(scenario.entries)
    call = robot.stub.ExecuteStream(metadata=robot.metadata)
    for commands in scenario.messages:
        await call.write(ExecuteStreamRequest(commands=commands))
    await call.done_writing()
    async for response in call:
        for result in response.results:
            answers.take(result)
    answers.expect_complete()
    return answers.workers


async def chain(robot: AsyncRobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    answers = Answers(scenario.entries)
    state = RobotState()
    async with robot.session(in_flight_max=1) as session:
        results = aiter(session)
        for number, command in enumerate(scenario.commands):
            if number > 0:
                command.state.CopyFrom(state)
            await session.send([command])
            result = await anext(results)
            answers.take(result)
            state = result.state
        await session.finish()
        async for result in results:
            answers.take(result)
        expect_status(session.code, scenario)
    answers.expect_complete()
    return answers.workers


async def unary(robot: AsyncRobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    try:
        results = await robot.execute_all(scenario.commands)
    except grpc.aio.AioRpcError as error:
        expect_status(error.code(), scenario)
        return Counter()
    expect_status(grpc.StatusCode.OK, scenario)
    if len(results) != len(scenario.entries):
        raise Mismatch(f"{len(results)} results came for {len(scenario.entries)} commands")
    for entry, result in zip(scenario.entries, results, strict=True):
        compare(entry, result)
    return Counter(result.execution.worker for result in results)


async def cancel(robot: AsyncRobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    answers = Answers(scenario.entries)
    async with robot.session(in_flight_max=scenario.in_flight_max) as session, _sending(session, scenario):
        async for result in session:
            answers.take(result)
            if answers.taken == scenario.cancel_after:
                await session.cancel()
    expect_status(session.code, scenario)
    compare(scenario.entries[0], (await robot.execute_all(scenario.commands[:1]))[0])
    return answers.workers


async def deadline(robot: AsyncRobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    answers = Answers(scenario.entries)
    async with (
        robot.session(in_flight_max=scenario.in_flight_max, timeout=scenario.deadline_seconds) as session,
        _sending(session, scenario),
    ):
        try:
            async for result in session:
                answers.take(result)
        except grpc.aio.AioRpcError as error:
            expect_status(error.code(), scenario)
        else:
            expect_status(grpc.StatusCode.OK, scenario)
    answers.expect_complete()
    return answers.workers


async def restart(robot: AsyncRobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    target.expect_to_kill()
    answers = Answers(scenario.entries)
    async with robot.session(in_flight_max=scenario.in_flight_max) as session, _sending(session, scenario):
        async for result in session:
            answers.take(result)
            if answers.taken == scenario.restart_after:
                target.kill()
            if answers.complete:
                await session.finish()
        expect_status(session.code, scenario)
        if session.resent == 0:
            raise Mismatch("nothing had to be sent again")
    answers.expect_complete()
    return answers.workers


async def info(robot: AsyncRobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    expect_info(await robot.server_info())
    return Counter()


async def watch(robot: AsyncRobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    call = robot.stub.WatchWorkers(WatchWorkersRequest(interval_ms=100), metadata=robot.metadata)
    snapshots = aiter(call)
    expect_snapshots(await anext(snapshots), await anext(snapshots))
    call.cancel()
    return Counter()


CALLS: dict[str, Callable[[AsyncRobotClient, Scenario, Target], Awaitable[Counter[int]]]] = {
    call.__name__: call for call in (stream, chain, unary, cancel, deadline, restart, info, watch)
}


@asynccontextmanager
async def _sending(session: AsyncSession, scenario: Scenario) -> AsyncIterator[None]:
    """Sends the scenario's commands while its body receives."""

    async def send() -> None:
        for commands in scenario.messages:
            await session.send(commands)
        if scenario.half_close == "after_commands" or not scenario.entries:
            await session.finish()

    task = asyncio.create_task(send())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
