"""grpcurl: how it makes calls, what it lists and describes, and a conversation on one stream."""

import json
import re
import subprocess
from pathlib import Path
from typing import IO, Any

from contract import CODES, METHODS, SERVICE, documents
from tool import Tool
from toolbox import ENVIRONMENT, ROOT, RUN_SECONDS_MAX, TOKEN, Differs, Ran, equal, run, that

PROTO = ("-import-path", "proto", "-proto", "robot/v1/robot.proto")
SERVICES = ["grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", SERVICE]

# What `describe` prints, without the comments.
DESCRIBED = {
    SERVICE: """\
robot.v1.RobotService is a service:
service RobotService {
  rpc Execute ( .robot.v1.ExecuteRequest ) returns ( .robot.v1.ExecuteResponse );
  rpc ExecuteStream ( stream .robot.v1.ExecuteStreamRequest ) returns ( stream .robot.v1.ExecuteStreamResponse );
  rpc GetServerInfo ( .robot.v1.GetServerInfoRequest ) returns ( .robot.v1.GetServerInfoResponse );
  rpc WatchWorkers ( .robot.v1.WatchWorkersRequest ) returns ( stream .robot.v1.WatchWorkersResponse );
}
""",
    "robot.v1.RobotService.ExecuteStream": """\
robot.v1.RobotService.ExecuteStream is a method:
rpc ExecuteStream ( stream .robot.v1.ExecuteStreamRequest ) returns ( stream .robot.v1.ExecuteStreamResponse );
""",
    "robot.v1.RobotResult": """\
robot.v1.RobotResult is a message:
message RobotResult {
  uint64 id = 1;
  oneof outcome {
    .robot.v1.RobotState state = 2;
    .robot.v1.CommandError error = 3;
  }
  repeated .robot.v1.Event events = 4;
  .robot.v1.Execution execution = 5;
}
""",
    "robot.v1.CleaningMode": """\
robot.v1.CleaningMode is an enum:
enum CleaningMode {
  CLEANING_MODE_UNSPECIFIED = 0;
  CLEANING_MODE_WATER = 1;
  CLEANING_MODE_SOAP = 2;
  CLEANING_MODE_BRUSH = 3;
}
""",
}


class Grpcurl(Tool):
    NAME = "grpcurl"

    def check_what_is_there(self) -> None:
        self.check("list", self.lists)
        self.check("describe", self.describes)
        self.check("message-template", self.makes_a_template)
        self.check("conversation", self.converses)
        if not self.reflects:
            self.check("reflection-is-off", self.cannot_list)
        if self.cert:
            self.check("unknown-ca", self.trusts_nobody)

    def flags(self, token: str | None = TOKEN) -> list[str | Path]:
        flags: list[str | Path] = [] if self.reflects else [*PROTO]
        if not self.cert:
            return [*flags, "-plaintext"]
        flags += ["-cacert", self.cert]
        if token == TOKEN:
            return [*flags, "-H", f"authorization: Bearer {TOKEN}"]
        # Reflection has the right token in any case, so that what fails is the call.
        flags += ["-reflect-header", f"authorization: Bearer {TOKEN}"]
        return [*flags, "-rpc-header", f"authorization: Bearer {token}"] if token else flags

    def ask(self, *verb: str, flags: tuple[str, ...] = ()) -> Ran:
        """list or describe: the server, or the .proto file alone."""
        server = [f"localhost:{self.port}"] if self.reflects else []
        # Without a server it takes no flags of a connection.
        own = self.flags() if self.reflects else [*PROTO]
        return run("grpcurl", *own, *flags, *server, *verb)

    def command(self, method: str, token: str | None, seconds_max: int | None) -> list[str | Path]:
        bound = ["-max-time", str(seconds_max or RUN_SECONDS_MAX)]
        return ["grpcurl", "-emit-defaults", *bound, *self.flags(token), "-d", "@", f"localhost:{self.port}", method]

    def call(self, method: str, data: str = "{}", *, token: str | None = TOKEN, seconds_max: int | None = None) -> Ran:
        return run(*self.command(method, token, seconds_max), stdin=data)

    def error(self, ran: Ran) -> tuple[str, str]:
        found = re.fullmatch(r"ERROR:\n  Code: (\w+)\n  Message: (.*)\n", ran.err)
        if found is None:
            raise Differs(f"stderr is no status: {ran.err!r}")
        equal(ran.code, 64 + CODES[found[1]], "exit code")
        return found[1], found[2]

    def lists(self) -> None:
        services = self.ask("list")
        expected = SERVICES if self.reflects else [SERVICE]
        equal((services.code, services.err, services.out.splitlines()), (0, "", expected))
        methods = self.ask("list", SERVICE)
        equal((methods.code, methods.err), (0, ""))
        equal(methods.out.splitlines(), [f"{SERVICE}.{method}" for method in METHODS])

    def describes(self) -> None:
        proto = (ROOT / "proto/robot/v1/robot.proto").read_text()
        comments = {line.strip() for line in proto.splitlines() if line.strip().startswith("//")}
        for symbol, expected in DESCRIBED.items():
            described = self.ask("describe", symbol)
            equal((described.code, described.err), (0, ""), symbol)
            lines = described.out.splitlines(keepends=True)
            code = [line for line in lines if not line.strip().startswith("//")]
            equal("".join(code), expected, symbol)
            said = [line.strip() for line in lines if line.strip().startswith("//")]
            that(bool(said), f"{symbol} is described without the contract's comments")
            equal([line for line in said if line not in comments], [], f"{symbol}: not the contract's words")

    def makes_a_template(self) -> None:
        ran = self.ask("describe", "robot.v1.SetMode", flags=("-msg-template",))
        equal((ran.code, ran.err), (0, ""))
        _described, template = ran.out.split("Message template:\n")
        equal(template, '{\n  "mode": "CLEANING_MODE_UNSPECIFIED"\n}\n')

    def converses(self) -> None:
        """Each command is made of the result before it, while stdin stays open."""
        command = self.command(f"{SERVICE}/ExecuteStream", TOKEN, None)
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=ENVIRONMENT
        ) as tool:
            assert tool.stdin and tool.stdout
            state: dict[str, Any] = {}
            for step in range(1, 6):
                message = {"commands": [{"id": step, "state": state, "script": f"turn 90; set brush; turn {step}"}]}
                tool.stdin.write(json.dumps(message) + "\n")
                tool.stdin.flush()
                [response] = documents(one_object(tool.stdout))
                [result] = response["results"]
                equal(result["id"], str(step), "id")
                state = result["state"]
            tool.stdin.close()
            equal((tool.wait(RUN_SECONDS_MAX), tool.stdout.read()), (0, ""), "exit code and the rest of stdout")
        equal(state, {"x": 0, "y": 0, "headingDegrees": 465, "mode": "CLEANING_MODE_BRUSH"})

    def cannot_list(self) -> None:
        ran = run("grpcurl", "-plaintext", f"localhost:{self.port}", "list")
        message = "Failed to list services: server does not support the reflection API\n"
        equal((ran.code, ran.out, ran.err), (1, "", message))

    def trusts_nobody(self) -> None:
        ran = run("grpcurl", f"localhost:{self.port}", "list")
        equal((ran.code, ran.out), (1, ""))
        that("certificate signed by unknown authority" in ran.err, ran.err)


def one_object(lines: IO[str]) -> str:
    """The next JSON object, as grpcurl prints it: its last line is a brace at the margin."""
    text = ""
    for line in lines:
        text += line
        if line == "}\n":
            break
    return text
