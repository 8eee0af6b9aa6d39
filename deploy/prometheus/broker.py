"""A NATS broker and a worker for the checks here; a gateway is a server as others are. It knows nothing of metrics."""

import contextlib
import os
import re
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from toolbox import ROOT, SCRATCH, ending

START_SECONDS_MAX = 60


@contextlib.contextmanager
def broker() -> Iterator[str]:
    """The URL of one that anybody may use, on a free port, until the end of the block."""
    installed = subprocess.run([ROOT / "deploy/nats/install"], check=True, stdout=subprocess.PIPE, text=True)
    store = SCRATCH / "nats"
    shutil.rmtree(store, ignore_errors=True)
    store.mkdir(parents=True)
    command = [installed.stdout.strip(), "-c", ROOT / "server/tests/nats/open.conf", "-a", "127.0.0.1", "-p", "-1"]
    with running("nats", *command, NATS_STORE_DIR=str(store)) as log:
        port = said(log, r"Listening for client connections on 127\.0\.0\.1:(\d+)")
        said(log, r"(Server is ready)")
        yield f"nats://127.0.0.1:{port}"


@contextlib.contextmanager
def worker(binary: Path, url: str) -> Iterator[int]:
    """The port of its metrics, once it takes jobs."""
    with running("worker", binary, "worker", "--queue", url, "--admin", "0") as log:
        port = int(said(log, r"working.* admin=127\.0\.0\.1:(\d+)"))
        said(log, r"(jobs come from the broker)")
        yield port


@contextlib.contextmanager
def running(name: str, *command: str | Path, **variables: str) -> Iterator[Path]:
    """What it logs, until the end of the block."""
    log = SCRATCH / f"{name}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, env={**os.environ, **variables})
    with ending(process):
        yield log


def said(log: Path, pattern: str) -> str:
    """What the pattern's group is, once the log has it."""
    give_up_at = time.monotonic() + START_SECONDS_MAX
    while time.monotonic() < give_up_at:
        if found := re.search(pattern, log.read_text()):
            return found[1]
        time.sleep(0.05)
    raise SystemExit(f"{pattern} is not in {log}: {log.read_text()}")
