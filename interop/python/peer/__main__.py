"""The command line: plays the scenarios one after the other and prints a line for each."""

from __future__ import annotations

import argparse
import asyncio
import platform
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import grpc
from google import protobuf

from . import aio, sync
from .target import Connection, Skipped, Target
from .vectors import Mismatch, Scenario, scenarios

SCENARIO_SECONDS_MAX = 20.0
SPREAD_COMMANDS_MIN = 1000


class Report:
    """Prints how each scenario went, and counts."""

    def __init__(self) -> None:
        self.passed = self.failed = self.skipped = 0

    @contextmanager
    def of(self, scenario: Scenario) -> Iterator[Counter[int]]:
        """Plays a scenario in its body, which says how many commands each worker ran."""
        workers: Counter[int] = Counter()
        try:
            yield workers
        except Skipped as reason:
            self.skipped += 1
            self._print(f"skipped {scenario.name}: {reason}")
        # On Python 3.10 asyncio has one of its own.
        except (TimeoutError, asyncio.TimeoutError):
            self._fail(scenario, "timed out")
        except Mismatch as mismatch:
            self._fail(scenario, str(mismatch))
        except grpc.RpcError as error:
            self._fail(scenario, f"{error.code().name}: {error.details()}")
        except Exception as error:
            self._fail(scenario, repr(error))
        else:
            self.passed += 1
            self._print(f"ok {scenario.name}")
            if scenario.call == "stream" and workers.total() >= SPREAD_COMMANDS_MIN:
                spread = ", ".join(f"{worker}: {commands}" for worker, commands in sorted(workers.items()))
                self._print(f"  {scenario.name} on workers {spread}")

    def total(self) -> None:
        self._print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")

    def _fail(self, scenario: Scenario, why: str) -> None:
        self.failed += 1
        self._print(f"FAILED {scenario.name}: {' '.join(why.split())}")

    def _print(self, line: str) -> None:
        print(line, flush=True)


def play(chosen: Sequence[Scenario], target: Target, report: Report) -> None:
    for scenario in chosen:
        with report.of(scenario) as workers:
            workers.update(sync.play(scenario, target, SCENARIO_SECONDS_MAX))


async def play_async(chosen: Sequence[Scenario], target: Target, report: Report) -> None:
    for scenario in chosen:
        with report.of(scenario) as workers:
            workers.update(await asyncio.wait_for(aio.play(scenario, target), SCENARIO_SECONDS_MAX))


def version() -> str:
    return f"Python {platform.python_version()}, grpcio {grpc.__version__}, protobuf {protobuf.__version__}"


def main() -> int:
    parser = argparse.ArgumentParser(prog="run", description="Plays the scenarios of interop/vectors.")
    parser.add_argument("--style", choices=("sync", "asyncio"), default="sync", help="which of the two clients")
    parser.add_argument("--version", action="version", version=version(), help="what this runs on")
    parser.add_argument("--server", required=True, metavar="HOST:PORT")
    parser.add_argument("--ca", type=Path, metavar="FILE", help="trust this CA, and use TLS")
    parser.add_argument("--token-file", type=Path, metavar="FILE", help="a bearer token, in one line")
    parser.add_argument("--pid-file", type=Path, metavar="FILE", help="where the server's pid is read, to kill it")
    parser.add_argument("--only", metavar="NAME[,NAME...]", help="these scenarios")
    args = parser.parse_args()
    if args.token_file and not args.ca:
        parser.error("--token-file needs --ca: a token is not sent in the clear")

    chosen = scenarios()
    if args.only:
        names = set(args.only.split(","))
        if missing := names - {scenario.name for scenario in chosen}:
            parser.error(f"there is no scenario {', '.join(sorted(missing))}")
        chosen = [scenario for scenario in chosen if scenario.name in names]
    token = args.token_file.read_text().strip() if args.token_file else None
    target = Target(Connection(address=args.server, ca=args.ca, token=token), args.pid_file)

    report = Report()
    if args.style == "sync":
        play(chosen, target, report)
    else:
        asyncio.run(play_async(chosen, target, report))
    report.total()
    return 1 if report.failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
