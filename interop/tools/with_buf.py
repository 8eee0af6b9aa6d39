"""buf curl: how it makes calls, and what it lists over each version of reflection and without."""

import json
from functools import partial
from pathlib import Path

from contract import CODES, METHODS, SERVICE
from tool import Tool
from toolbox import TOKEN, Ran, equal, run, that


class Buf(Tool):
    NAME = "buf"

    def check_what_is_there(self) -> None:
        if not self.reflects:
            self.check("list-schema", lambda: self.lists([SERVICE], "--schema", "proto"))
            return
        for version in ("v1", "v1alpha"):
            services = ["grpc.health.v1.Health", f"grpc.reflection.{version}.ServerReflection", SERVICE]
            protocol = ("--reflect-protocol", f"grpc-{version}")
            self.check(f"list-reflection-{version}", partial(self.lists, services, *protocol))
            self.check(f"call-reflection-{version}", partial(self.calls, *protocol))

    @property
    def url(self) -> str:
        return f"{'https' if self.cert else 'http'}://localhost:{self.port}"

    def flags(self, token: str | None = TOKEN) -> list[str | Path]:
        flags: list[str | Path] = ["--protocol", "grpc", "--http2-prior-knowledge"]
        flags += [] if self.reflects else ["--schema", "proto"]
        if self.cert:
            flags += ["--cacert", self.cert]
            flags += ["-H", f"authorization: Bearer {token}"] if token else []
            flags += ["--reflect-header", f"authorization: Bearer {TOKEN}"]
        return flags

    def call(self, method: str, data: str = "{}", *, token: str | None = TOKEN, seconds_max: int | None = None) -> Ran:
        bound = ["--timeout", f"{seconds_max}s"] if seconds_max else []
        flags = [*self.flags(token), *bound, "--emit-defaults", "-d", "@-"]
        return run("buf", "curl", *flags, f"{self.url}/{method}", stdin=data)

    def error(self, ran: Ran) -> tuple[str, str]:
        status = json.loads(ran.err)
        equal(sorted(status), ["code", "message"], "the fields of the status")
        code = "".join(word.capitalize() for word in status["code"].split("_"))
        equal(ran.code, CODES[code] << 3, "exit code")
        return code, status["message"]

    def lists(self, services: list[str], *how: str) -> None:
        flags = [*self.flags(), *how] if self.reflects else [*self.flags()]
        listed = run("buf", "curl", *flags, "--list-services", self.url)
        equal((listed.code, listed.err, listed.out.splitlines()), (0, "", services))
        listed = run("buf", "curl", *flags, "--list-methods", self.url)
        equal((listed.code, listed.err), (0, ""))
        own = [line for line in listed.out.splitlines() if line.startswith(SERVICE)]
        equal(own, [f"{SERVICE}/{method}" for method in METHODS])

    def calls(self, *how: str) -> None:
        data = '{"commands": [{"id": 7, "state": {}}]}'
        ran = run("buf", "curl", *self.flags(), *how, "-d", data, f"{self.url}/{SERVICE}/Execute")
        equal((ran.code, ran.err), (0, ""))
        that('"id": "7"' in ran.out and '"mode": "CLEANING_MODE_WATER"' in ran.out, ran.out)
