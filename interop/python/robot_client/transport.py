"""How both clients connect: credentials, and what a channel is told about retries and lost connections."""

from __future__ import annotations

import json
from pathlib import Path

import grpc

# How long a session waits for a server that cannot be reached: longer than a restart takes.
OUTAGE_SECONDS_MAX = 30.0

_SERVICE = "robot.v1.RobotService"
_SERVICE_CONFIG = {
    "methodConfig": [
        # A call waits until the channel has connected; else it fails at once when the last try to connect has.
        {"name": [{"service": _SERVICE}], "waitForReady": True},
        # Commands are pure, so `Execute` may be tried again; grpc does it when told to.
        {
            "name": [{"service": _SERVICE, "method": method} for method in ("Execute", "GetServerInfo")],
            "waitForReady": True,
            "retryPolicy": {
                "maxAttempts": 3,
                "initialBackoff": "0.05s",
                "maxBackoff": "2s",
                "backoffMultiplier": 2,
                "retryableStatusCodes": ["UNAVAILABLE", "INTERNAL", "UNKNOWN", "ABORTED"],
            },
        },
    ]
}

CHANNEL_OPTIONS: list[tuple[str, int | str]] = [
    ("grpc.service_config", json.dumps(_SERVICE_CONFIG)),
    # A channel reconnects by itself, at first after a second and then up to two minutes: too slow for a restart.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 2_000),
    # A peer that has gone without a word is found out by pings.
    ("grpc.keepalive_time_ms", 20_000),
    ("grpc.keepalive_timeout_ms", 10_000),
]


def credentials(ca: Path | None, token: str | None) -> grpc.ChannelCredentials | None:
    """TLS that trusts `ca`, with a bearer token in every call if there is one; None for plaintext."""
    if ca is None:
        if token is not None:
            raise ValueError("a token needs TLS, so that nobody else reads it: give a ca as well")
        return None
    tls = grpc.ssl_channel_credentials(ca.read_bytes())
    if token is None:
        return tls
    return grpc.composite_channel_credentials(tls, grpc.access_token_call_credentials(token))
