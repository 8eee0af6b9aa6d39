"""grpc-health-probe: what a balancer is told of the server and of each service, over each transport and in a drain."""

import time
from pathlib import Path

from contract import SERVICE
from toolbox import Report, equal, run, server

DRAIN_SECONDS_MAX = 10
# As long as the probe's own connection takes, and far shorter than the drain's delay below.
LOOK_SECONDS = 0.05


class Probe:
    def __init__(self, report: Report, plain: int, tls: int, cert: Path) -> None:
        self.report = report
        self.ways = {
            "plaintext": ("-addr", f"localhost:{plain}"),
            # Without a token: a balancer has none.
            "tls": ("-addr", f"localhost:{tls}", "-tls", "-tls-ca-cert", cert),
        }

    def check_all(self) -> None:
        """Everything but the drain."""
        for way, flags in self.ways.items():
            for what, service in (("the-server", ""), ("the-service", SERVICE)):
                with self.report.check(f"health-probe/{way}/{what}"):
                    self.is_serving(service, flags)
            with self.report.check(f"health-probe/{way}/an-unknown-service"):
                ran = run("grpc-health-probe", *flags, "-service", "robot.v1.NoSuchService")
                message = "error: health rpc failed: rpc error: code = NotFound desc = service not registered\n"
                equal((ran.code, ran.out, ran.err), (3, "", message))

    def is_serving(self, service: str, flags: tuple[str | Path, ...]) -> None:
        ran = run("grpc-health-probe", *flags, "-service", service)
        equal((ran.code, ran.out + ran.err), (0, "status: SERVING\n"))

    @staticmethod
    def check_drain(report: Report, binary: Path) -> None:
        """Before it refuses calls, a server that drains tells balancers to stay away."""
        delay = ("--drain-delay-ms", "600000", "--drain-ms-max", "600000")
        with report.check("health-probe/drain/not-serving"), server(binary, "drain", *delay) as draining:
            flags = ("-addr", f"localhost:{draining.port}", "-service", SERVICE)
            equal(run("grpc-health-probe", *flags).code, 0, "exit code before the drain")
            draining.terminate()
            give_up_at = time.monotonic() + DRAIN_SECONDS_MAX
            while (ran := run("grpc-health-probe", *flags)).code == 0 and time.monotonic() < give_up_at:
                time.sleep(LOOK_SECONDS)
            message = 'service unhealthy (responded with "NOT_SERVING")\n'
            equal((ran.code, ran.out, ran.err), (4, "", message))
