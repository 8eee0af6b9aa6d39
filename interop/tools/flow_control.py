"""The six cases of h2spec that need an answer with a body, with a call that has one: GetServerInfo. It speaks just as
much HTTP/2 as that takes."""

import contextlib
import socket
import ssl
import struct
from collections.abc import Callable, Iterator
from pathlib import Path

from toolbox import Report, equal, that

DATA, HEADERS, PRIORITY, RST_STREAM, SETTINGS, PING, GOAWAY, WINDOW_UPDATE = 0, 1, 2, 3, 4, 6, 7, 8
ACK = END_STREAM = 0x1
END_HEADERS = 0x4
INITIAL_WINDOW_SIZE = 4
WAIT_SECONDS_MAX = 10
STREAM = 1


class Connection:
    """A client that sends frames as it is told, and waits for what it asks for."""

    def __init__(self, stream: socket.socket) -> None:
        self.stream = stream
        self.reader = stream.makefile("rb")

    def send(self, kind: int, payload: bytes = b"", *, flags: int = 0, stream: int = 0) -> None:
        header = struct.pack(">I", len(payload))[1:] + struct.pack(">BBI", kind, flags, stream)
        self.stream.sendall(header + payload)

    def receive(self) -> tuple[int, int, bytes]:
        """The next frame: its kind, its flags, and what it holds."""
        header = self.reader.read(9)
        that(len(header) == 9, "the server closed the connection")
        kind, flags = header[3], header[4]
        payload = self.reader.read(int.from_bytes(header[:3], "big"))
        that(kind not in (RST_STREAM, GOAWAY), f"the server gave up: frame type {kind}, {payload!r}")
        return kind, flags, payload

    def window(self, *sizes: int) -> None:
        """Sets the initial window of streams, and waits until the server has seen it."""
        self.send(SETTINGS, b"".join(struct.pack(">HI", INITIAL_WINDOW_SIZE, size) for size in sizes))
        data = self.data_until(lambda kind, flags: kind == SETTINGS and bool(flags & ACK))
        equal(data, b"", "what came before the settings were acknowledged")

    def call(self) -> None:
        """GetServerInfo: its headers, and an empty message that ends the request."""
        path = b"/robot.v1.RobotService/GetServerInfo"
        fields = [(b":method", b"POST"), (b":scheme", b"http"), (b":path", path), (b":authority", b"localhost")]
        fields += [(b"content-type", b"application/grpc"), (b"te", b"trailers")]
        # Literals with names of their own: HPACK without its tables (RFC 7541, 6.2.2).
        block = b"".join(b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value for name, value in fields)
        self.send(HEADERS, block, flags=END_HEADERS, stream=STREAM)
        self.send(DATA, bytes(5), flags=END_STREAM, stream=STREAM)

    def open_window(self, by: int) -> None:
        self.send(WINDOW_UPDATE, struct.pack(">I", by), stream=STREAM)

    def data(self) -> bytes:
        """All that the server sends until it has answered a PING, and so done what came before."""
        self.send(PING, bytes(8))
        return self.data_until(lambda kind, flags: kind == PING and bool(flags & ACK))

    def data_until(self, ends: Callable[[int, int], bool]) -> bytes:
        data = b""
        while True:
            kind, flags, payload = self.receive()
            if ends(kind, flags):
                return data
            data += payload if kind == DATA else b""

    def first_data(self) -> bytes:
        """The next DATA frame."""
        while True:
            kind, _flags, payload = self.receive()
            if kind == DATA:
                return payload

    def exactly(self, size: int, what: str) -> None:
        """So much of the answer comes, and no more."""
        if size > 0:
            equal(len(self.first_data()), size, f"bytes of DATA {what}")
        equal(len(self.data()), 0, f"bytes of DATA {what}, after the window was full")


@contextlib.contextmanager
def connect(port: int, cert: Path | None) -> Iterator[Connection]:
    with socket.create_connection(("127.0.0.1", port), WAIT_SECONDS_MAX) as plain:
        stream: socket.socket = plain
        if cert:
            tls = ssl.create_default_context(cafile=str(cert))
            tls.set_alpn_protocols(["h2"])
            stream = tls.wrap_socket(plain, server_hostname="localhost")
        with stream:
            stream.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
            yield Connection(stream)


def window_update_when_half_closed(connection: Connection) -> None:
    connection.window(0)
    connection.call()
    connection.exactly(0, "in a window of 0")
    connection.open_window(1)
    connection.exactly(1, "after WINDOW_UPDATE")


def priority_when_half_closed(connection: Connection) -> None:
    connection.window(0)
    connection.call()
    connection.send(PRIORITY, struct.pack(">IB", 0, 255), stream=STREAM)
    connection.exactly(0, "in a window of 0")
    connection.open_window(1)
    connection.exactly(1, "after PRIORITY and WINDOW_UPDATE")


def the_last_of_two_window_sizes_counts(connection: Connection) -> None:
    connection.window(100, 1)
    connection.call()
    connection.exactly(1, "in a window of 100, then 1")


def a_window_of_one_byte(connection: Connection) -> None:
    connection.window(1)
    connection.call()
    connection.exactly(1, "in a window of 1")


def a_window_that_is_opened_by_settings(connection: Connection) -> None:
    connection.window(0)
    connection.call()
    connection.exactly(0, "in a window of 0")
    connection.send(SETTINGS, struct.pack(">HI", INITIAL_WINDOW_SIZE, 1))
    connection.exactly(1, "in a window of 0 that was set to 1")


def a_window_that_becomes_negative(connection: Connection) -> None:
    connection.window(3)
    connection.call()
    connection.exactly(3, "in a window of 3")
    connection.window(2)
    connection.exactly(0, "in a window of -1")
    connection.open_window(1)
    connection.exactly(0, "in a window of -1 that was opened by 1")
    connection.open_window(1)
    connection.exactly(1, "in a window of -1 that was opened by 2")


CASES = {
    "generic/2/window-update": window_update_when_half_closed,
    "generic/2/priority": priority_when_half_closed,
    "http2/6.5.3/two-sizes": the_last_of_two_window_sizes_counts,
    "http2/6.9.1/one-byte": a_window_of_one_byte,
    "http2/6.9.2/opened-by-settings": a_window_that_is_opened_by_settings,
    "http2/6.9.2/negative": a_window_that_becomes_negative,
}


def check_all(report: Report, port: int, cert: Path | None) -> None:
    """Each case on a connection of its own."""
    for name, case in CASES.items():
        with report.check(f"h2spec/{'tls' if cert else 'plaintext'}/over-grpc/{name}"), connect(port, cert) as client:
            case(client)
