"""Each kind of call, with threads. `aio` is its twin."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import grpc
from robot.v1.robot_pb2 import (
    ExecuteStreamRequest,
    RobotState,
    WatchWorkersRequest,
)
from robot_client import RobotClient, Session

from .target import Target, expect_status, unknown
from .vectors import Answers, Mismatch, Scenario, compare, expect_info, expect_snapshots


def play(scenario: Scenario, target: Target, seconds_max: float) -> Counter[int]:
    """Raises if the scenario fails. Returns how many commands each worker ran."""
    call = CALLS.get(scenario.call)
    if call is None:
        raise unknown(scenario)
    with _alarm(seconds_max), RobotClient(**target.connection, metadata=scenario.metadata) as robot:
        return call(robot, scenario, target)


def stream(robot: RobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    if scenario.half_close == "before_reading":
        return send_then_read(robot, scenario)
    answers = Answers(scenario.entries)
    with ThreadPoolExecutor(1) as threads, robot.session(in_flight_max=scenario.in_flight_max) as session:
        sending = threads.submit(_send, session, scenario)
        try:
            for result in session:
                answers.take(result)
                if answers.complete and scenario.half_close == "after_results":
                    session.finish()
        except grpc.RpcError as error:
            expect_status(error.code(), scenario)
            return answers.workers
        sending.result()
        expect_status(session.code, scenario)
        if session.resent:
            raise Mismatch("the stream broke")
    answers.expect_complete()
    return answers.workers


def send_then_read(robot: RobotClient, scenario: Scenario) -> Counter[int]:
    """Without a session, which reads while it sends."""
    answers = Answers(scenario.entries)
    all_taken = threading.Event()

    def requests() -> Iterator[ExecuteStreamRequest]:
        for commands in scenario.messages:
            yield ExecuteStreamRequest(commands=commands)
        all_taken.set()

    call = robot.stub.ExecuteStream(requests(), metadata=robot.metadata)
    all_taken.wait()
    for response in call:
        for result in response.results:
            answers.take(result)
    answers.expect_complete()
    return answers.workers


def chain(robot: RobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    answers = Answers(scenario.entries)
    state = RobotState()
    with robot.session(in_flight_max=1) as session:
        results = iter(session)
        for number, command in enumerate(scenario.commands):
            if number > 0:
                command.state.CopyFrom(state)
            session.send([command])
            result = next(results)
            answers.take(result)
            state = result.state
        session.finish()
        for result in results:
            answers.take(result)
        expect_status(session.code, scenario)
    answers.expect_complete()
    return answers.workers


def unary(robot: RobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    try:
        results = robot.execute_all(scenario.commands)
    except grpc.RpcError as error:
        expect_status(error.code(), scenario)
        return Counter()
    expect_status(grpc.StatusCode.OK, scenario)
    if len(results) != len(scenario.entries):
        raise Mismatch(f"{len(results)} results came for {len(scenario.entries)} commands")
    for entry, result in zip(scenario.entries, results, strict=True):
        compare(entry, result)
    return Counter(result.execution.worker for result in results)


def cancel(robot: RobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    answers = Answers(scenario.entries)
    with ThreadPoolExecutor(1) as threads, robot.session(in_flight_max=scenario.in_flight_max) as session:
        threads.submit(_send, session, scenario)
        for result in session:
            answers.take(result)
            if answers.taken == scenario.cancel_after:
                session.cancel()
    expect_status(session.code, scenario)
    compare(scenario.entries[0], robot.execute_all(scenario.commands[:1])[0])
    return answers.workers


def deadline(robot: RobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    answers = Answers(scenario.entries)
    with (
        ThreadPoolExecutor(1) as threads,
        robot.session(in_flight_max=scenario.in_flight_max, timeout=scenario.deadline_seconds) as session,
    ):
        threads.submit(_send, session, scenario)
        try:
            for result in session:
                answers.take(result)
        except grpc.RpcError as error:
            expect_status(error.code(), scenario)
        else:
            expect_status(grpc.StatusCode.OK, scenario)
    answers.expect_complete()
    return answers.workers


def restart(robot: RobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    target.expect_to_kill()
    answers = Answers(scenario.entries)
    with ThreadPoolExecutor(1) as threads, robot.session(in_flight_max=scenario.in_flight_max) as session:
        threads.submit(_send, session, scenario)
        for result in session:
            answers.take(result)
            if answers.taken == scenario.restart_after:
                target.kill()
            if answers.complete:
                session.finish()
        expect_status(session.code, scenario)
        if session.resent == 0:
            raise Mismatch("nothing had to be sent again")
    answers.expect_complete()
    return answers.workers


def info(robot: RobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    expect_info(robot.server_info())
    return Counter()


def watch(robot: RobotClient, scenario: Scenario, target: Target) -> Counter[int]:
    call = robot.stub.WatchWorkers(WatchWorkersRequest(interval_ms=100), metadata=robot.metadata)
    snapshots = iter(call)
    expect_snapshots(next(snapshots), next(snapshots))
    call.cancel()
    return Counter()


CALLS: dict[str, Callable[[RobotClient, Scenario, Target], Counter[int]]] = {
    call.__name__: call for call in (stream, chain, unary, cancel, deadline, restart, info, watch)
}


def _send(session: Session, scenario: Scenario) -> None:
    for commands in scenario.messages:
        session.send(commands)
    if scenario.half_close == "after_commands" or not scenario.entries:
        session.finish()


@contextmanager
def _alarm(seconds: float) -> Iterator[None]:
    """Raises a `TimeoutError` in the main thread, whatever that waits for."""

    def ring(_signal: int, _frame: object) -> None:
        raise TimeoutError

    signal.signal(signal.SIGALRM, ring)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
