"""The server that is played against."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

import grpc

from .vectors import Mismatch, Scenario


class Connection(TypedDict):
    """What both clients are made with."""

    address: str
    ca: Path | None
    token: str | None


class Skipped(Exception):
    """What the scenario needs is not there."""


@dataclass(frozen=True)
class Target:
    connection: Connection
    pid_file: Path | None

    def expect_to_kill(self) -> None:
        if self.pid_file is None:
            raise Skipped("no --pid-file")

    def kill(self) -> None:
        """Kills the server; who started it starts another one at the same address."""
        if self.pid_file is not None:
            os.kill(int(self.pid_file.read_text()), signal.SIGKILL)


def expect_status(code: grpc.StatusCode | None, scenario: Scenario) -> None:
    if code is None or code.name != scenario.status:
        raise Mismatch(f"it ended {code and code.name}, not {scenario.status}")


def unknown(scenario: Scenario) -> Mismatch:
    return Mismatch(f'no such call is known: "{scenario.call}", half-close "{scenario.half_close}"')
