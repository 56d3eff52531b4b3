"""A client that reads its response only if and when the test does."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from yarl import URL

_BUFFER_BYTES = 4_096


@asynccontextmanager
async def stalled_client(
    url: str, path: str, headers: dict[str, str]
) -> AsyncIterator[asyncio.StreamReader]:
    """Send a GET request through a connection with small buffers; yield the unread response."""
    origin = URL(url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _BUFFER_BYTES)
    connection.setblocking(False)  # noqa: FBT003  # the signature of the standard library
    await asyncio.get_running_loop().sock_connect(connection, (origin.host, origin.port))
    reader, writer = await asyncio.open_connection(sock=connection, limit=_BUFFER_BYTES)
    fields = {"Host": "interlock", "Connection": "close"} | headers
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in fields.items())]
    writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
    try:
        yield reader
    finally:
        writer.transport.abort()
