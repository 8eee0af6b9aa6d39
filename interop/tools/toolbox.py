"""What the scripts here share: servers that they start and stop, tools that they run with a bound, and a report with
one line a check. It knows nothing of what is checked."""

import contextlib
import hashlib
import os
import re
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ROOT / "target/ci-tools"
SCRATCH = ROOT / "target/interop/tools"
TOKEN = "the-token-of-the-checks"

START_SECONDS_MAX = 20
STOP_SECONDS_MAX = 20
RUN_SECONDS_MAX = 30

ENVIRONMENT = {**os.environ, "PATH": f"{TOOLS}/bin:{TOOLS}/venv/bin:{os.environ['PATH']}"}


def install_tools() -> None:
    """Exits as ./build does if something is missing."""
    built = subprocess.run([ROOT / "interop/tools/build"])
    if built.returncode != 0:
        raise SystemExit(built.returncode)


def build_server() -> Path:
    """The server's binary, up to date."""
    subprocess.run(["cargo", "build", "--release", "--locked", "--quiet", "-p", "robot-server"], cwd=ROOT, check=True)
    return ROOT / "target/release/robot-server"


@dataclass
class Ran:
    """What came of a command."""

    code: int
    out: str
    err: str


def run(*command: str | Path, stdin: str = "", seconds_max: int = RUN_SECONDS_MAX) -> Ran:
    """Runs a tool from the repository's root."""
    ran = subprocess.run(
        command, input=stdin, capture_output=True, text=True, cwd=ROOT, env=ENVIRONMENT, timeout=seconds_max
    )
    return Ran(ran.returncode, ran.stdout, ran.stderr)


@dataclass
class Server:
    """A server that was started here."""

    process: subprocess.Popen[bytes]
    port: int

    def terminate(self) -> None:
        """Asks for a drain; asked twice, for the end at once."""
        self.process.terminate()


@contextlib.contextmanager
def server(binary: Path, name: str, *flags: str | Path) -> Iterator[Server]:
    """A server with two workers on a free port, until the end of the block."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    log = SCRATCH / f"server-{name}.log"
    command = [binary, "--listen", "127.0.0.1:0", "--workers", "2", *flags]
    with log.open("wb") as stderr:
        process = subprocess.Popen(command, stderr=stderr)
    with ending(process):
        yield Server(process, listening(process, log))


@contextlib.contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[None]:
    """The process has ended when the block has, whatever it takes."""
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def listening(process: subprocess.Popen[bytes], log: Path) -> int:
    """The port, once the server listens."""
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < give_up_at and process.poll() is None:
        if found := re.search(r"listening address=127\.0\.0\.1:(\d+)", log.read_text()):
            return int(found[1])
        time.sleep(0.05)
    raise SystemExit(f"the server does not listen: {log.read_text()}")


def certificate() -> tuple[Path, Path]:
    """A new certificate of localhost, which is its own CA, and its key."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    cert, key = SCRATCH / "cert.pem", SCRATCH / "key.pem"
    made = run(
        *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "2"),
        *("-keyout", key, "-out", cert, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"),
        *("-addext", "basicConstraints=critical,CA:FALSE"),
    )
    equal(made.code, 0, made.err)
    return cert, key


def token_file() -> Path:
    """What a server has to know of TOKEN."""
    SCRATCH.mkdir(parents=True, exist_ok=True)
    tokens = SCRATCH / "tokens"
    tokens.write_text(f"checks:{hashlib.sha256(TOKEN.encode()).hexdigest()}\n")
    return tokens


class Differs(Exception):
    """Something is not as it has to be."""


def equal(found: object, expected: object, what: object = "found") -> None:
    """Checks that two things are the same."""
    if found != expected:
        raise Differs(f"{what}: {found!r}, not {expected!r}")


def that(holds: bool, what: object) -> None:
    """Checks that something holds."""
    if not holds:
        raise Differs(str(what))


class Report:
    """One line a check, and the totals."""

    def __init__(self) -> None:
        self.passed = 0
        self.failed = 0

    @contextlib.contextmanager
    def check(self, name: str) -> Iterator[None]:
        """Says how the block ended, and goes on whatever it did."""
        try:
            yield
        except Exception as error:  # A check that breaks in any way has failed.
            self.failed += 1
            kind = "" if isinstance(error, Differs) else f"{type(error).__name__}: "
            print(f"FAILED {name}: {kind}{error}", flush=True)
        else:
            self.passed += 1
            print(f"ok {name}", flush=True)

    def close(self) -> int:
        """Prints the totals; the exit code."""
        print(f"{self.passed} passed, {self.failed} failed", flush=True)
        return 0 if self.passed and not self.failed else 1
