"""A client for the robot-command service, with threads (`RobotClient`) and with asyncio (`AsyncRobotClient`).

Copy this folder and robot.proto; what it needs beside the generated code is grpcio. The two clients are twins: what
they have in common (credentials, what is unanswered, typed errors) is in the other modules, which do no I/O.
"""

from .aio import AsyncRobotClient, AsyncSession
from .ledger import GaveUp, Unasked
from .outcome import CommandRejected, command, state_of
from .sync import RobotClient, Session

__all__ = [
    "AsyncRobotClient",
    "AsyncSession",
    "CommandRejected",
    "GaveUp",
    "RobotClient",
    "Session",
    "Unasked",
    "command",
    "state_of",
]
