"""A TCP relay that passes on what a client sends only once it has paused, so that what it sent in one go arrives in one
go. It knows nothing of what it relays.

h2spec writes the frames of a case one by one and looks at what the server says of the last one. A server that answers
the first one before the last has come is right too, but then the case shows nothing, and which comes first is a race.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator

# Far longer than h2spec takes from one frame to the next, and far shorter than it waits for an answer.
PAUSE_SECONDS = 0.06
CHUNK_BYTES = 64 * 1024
# What is held is bounded, too: a client that never pauses is passed on in pieces of this size.
HELD_BYTES_MAX = 1024 * 1024


async def pass_on_when_paused(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """From the client to the server."""
    while held := await source.read(CHUNK_BYTES):
        with contextlib.suppress(TimeoutError):
            while len(held) < HELD_BYTES_MAX:
                more = await asyncio.wait_for(source.read(CHUNK_BYTES), PAUSE_SECONDS)
                if not more:
                    break
                held += more
        sink.write(held)
        await sink.drain()
    sink.write_eof()


async def pass_on(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    """From the server to the client. Once the server has ended the connection the client sees it end."""
    while chunk := await source.read(CHUNK_BYTES):
        sink.write(chunk)
        await sink.drain()
    sink.close()


@contextlib.asynccontextmanager
async def relay(to_port: int) -> AsyncIterator[int]:
    """Relays connections to a port of this machine until the end of the block; gives the port to connect to."""

    connections: set[asyncio.Task[None]] = set()

    async def serve(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        server, to_server = await asyncio.open_connection("127.0.0.1", to_port)
        try:
            await asyncio.gather(pass_on_when_paused(client, to_server), pass_on(server, to_client))
        except OSError:
            pass  # A reset, which the other end sees as the connection's end.
        finally:
            to_server.close()
            to_client.close()

    def accept(client: asyncio.StreamReader, to_client: asyncio.StreamWriter) -> None:
        # The event loop itself does not keep tasks from being collected.
        connection = asyncio.create_task(serve(client, to_client))
        connections.add(connection)
        connection.add_done_callback(connections.discard)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0)
    async with listener:
        yield listener.sockets[0].getsockname()[1]
        listener.close()
        for connection in list(connections):
            connection.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
