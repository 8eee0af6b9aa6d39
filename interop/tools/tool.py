"""What every tool that makes calls is asked to do; `with_grpcurl` and `with_buf` say how each does it, and add what
only it can do."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path

import contract
from contract import SERVICE
from toolbox import TOKEN, Ran, Report, equal, that


class Tool(ABC):
    """One tool against one server."""

    NAME: str

    def __init__(self, report: Report, way: str, port: int, cert: Path | None = None) -> None:
        self.report = report
        self.way = way
        self.port = port
        self.cert = cert
        self.reflects = way != "no-reflection"

    @abstractmethod
    def call(self, method: str, data: str = "{}", *, token: str | None = TOKEN, seconds_max: int | None = None) -> Ran:
        """Makes a call, all of its messages from stdin; shows default values."""

    @abstractmethod
    def error(self, ran: Ran) -> tuple[str, str]:
        """The code and the message of a failed call; that the exit code says the same has been checked."""

    @abstractmethod
    def check_what_is_there(self) -> None:
        """Lists and describes."""

    def check_all(self) -> None:
        """Everything."""
        self.check_what_is_there()
        self.check("execute", self.executes)
        self.check("execute-stream", self.streams)
        self.check("get-server-info", lambda: contract.is_info(self.call(f"{SERVICE}/GetServerInfo")))
        self.check("watch-workers", self.watches)
        self.check("invalid-argument", self.is_told_what_is_allowed)
        self.check("resource-exhausted", self.is_told_the_limit)
        if self.reflects:
            self.check("health", self.asks_for_health)
        if self.cert:
            self.check("token", self.needs_the_token)

    def check(self, name: str, body: Callable[[], None]) -> None:
        """One line of the report."""
        with self.report.check(f"{self.NAME}/{self.way}/{name}"):
            body()

    def executes(self) -> None:
        ran = self.call(f"{SERVICE}/Execute", contract.EXECUTE)
        equal((ran.code, ran.err), (0, ""), "exit code and stderr")
        [message] = contract.documents(ran.out)
        ids = [result["id"] for result in message["results"]]
        equal(ids, ["18446744073709551615", "0"], "the order, which is the commands'")
        contract.are(contract.results(ran.out), contract.EXECUTED)

    def streams(self) -> None:
        ran = self.call(f"{SERVICE}/ExecuteStream", contract.STREAM)
        equal((ran.code, ran.err), (0, ""), "exit code and stderr")
        contract.are(contract.results(ran.out), contract.STREAMED)

    def watches(self) -> None:
        ran = self.call(f"{SERVICE}/WatchWorkers", '{"interval_ms": 100}', seconds_max=2)
        contract.is_watch(ran)
        code, message = self.error(ran)
        equal(code, "DeadlineExceeded", "code")
        # Whoever notices first says so: the tool or the server.
        that(message in ("context deadline exceeded", "the deadline has passed"), message)

    def is_told_what_is_allowed(self) -> None:
        ran = self.call(f"{SERVICE}/WatchWorkers", contract.BAD_INTERVAL)
        equal(ran.out, "", "stdout")
        equal(self.error(ran), ("InvalidArgument", contract.BAD_INTERVAL_MESSAGE))

    def is_told_the_limit(self) -> None:
        for method in ("Execute", "ExecuteStream"):
            ran = self.call(f"{SERVICE}/{method}", contract.TOO_MANY)
            equal(ran.out, "", f"{method}: stdout")
            equal(self.error(ran), ("ResourceExhausted", contract.TOO_MANY_MESSAGE), method)

    def asks_for_health(self) -> None:
        check = "grpc.health.v1.Health/Check"
        for service in ("", SERVICE):
            ran = self.call(check, f'{{"service": "{service}"}}')
            equal((ran.code, ran.err, list(contract.documents(ran.out))), (0, "", [{"status": "SERVING"}]), service)
        ran = self.call(check, '{"service": "robot.v1.NoSuchService"}')
        equal(self.error(ran), ("NotFound", "service not registered"))

    def needs_the_token(self) -> None:
        for token, message in (
            (None, "this call needs a token, once, as authorization: Bearer TOKEN"),
            ("another", "the token is not one of this server's"),
        ):
            ran = self.call(f"{SERVICE}/GetServerInfo", token=token)
            equal(ran.out, "", "stdout")
            equal(self.error(ran), ("Unauthenticated", message), f"with {token}")
