"""HTTP byte by byte, for requests that no HTTP client sends."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.support.lock_gates import TIMEOUT_SECONDS


@dataclass(frozen=True, slots=True)
class RawResponse:
    """A response, parsed from its bytes."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def problem(self) -> Any:  # noqa: ANN401  # read by the tests
        return json.loads(self.body)


@dataclass(frozen=True, slots=True)
class RawConnection:
    """A connection to a server."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, *parts: bytes) -> None:
        """Send bytes; let the server read each part before the next one."""
        for part in parts:
            self.writer.write(part)
            await self.writer.drain()
            await asyncio.sleep(0)

    async def read_response(self) -> RawResponse:
        """Read a response that has a length."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            head = await self.reader.readuntil(b"\r\n\r\n")
            line, *fields = head.decode().rstrip().split("\r\n")
            headers = dict(field.split(": ", 1) for field in fields)
            body = await self.reader.readexactly(int(headers.get("Content-Length", 0)))
        return RawResponse(int(line.split()[1]), headers, body)

    async def read_rest(self) -> bytes:
        """Read until the server closes the connection."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self.reader.read()


@asynccontextmanager
async def raw_connection(url: str, local_host: str | None = None) -> AsyncIterator[RawConnection]:
    """Connect to a server for the block; `local_host` is the address to connect from."""
    address = urlsplit(url)
    local = (local_host, 0) if local_host else None
    reader, writer = await asyncio.open_connection(address.hostname, address.port, local_addr=local)
    try:
        yield RawConnection(reader, writer)
    finally:
        writer.transport.abort()


async def exchange(url: str, request: bytes) -> RawResponse:
    """Send a request; return the response, after which the server must close the connection."""
    async with raw_connection(url) as connection:
        await connection.send(request)
        response = await connection.read_response()
        assert await connection.read_rest() == b""
        return response


def head(target: str, *fields: str, version: str = "HTTP/1.1") -> bytes:
    """Return the head of a request."""
    return "\r\n".join([f"{target} {version}", "Host: interlock", *fields, "", ""]).encode()


def post(path: str, body: bytes, *fields: str) -> bytes:
    """Return a request with a body."""
    return head(f"POST {path}", f"Content-Length: {len(body)}", *fields) + body


def chunked(chunks: Sequence[bytes]) -> bytes:
    """Return a body in chunks."""
    return b"".join(b"%x\r\n%b\r\n" % (len(each), each) for each in [*chunks, b""])
