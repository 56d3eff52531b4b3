"""Requests of HTTP, sent as fast as one process can: every connection has one under way."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, Self

from benchmarks.api.cases import Asked

DONE: Final = (b"HTTP/1.1 200", b"HTTP/1.1 201")
LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
END_OF_HEAD: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Taken:
    """How long a round took: as a whole, and each request; seconds."""

    whole: float
    each: Sequence[float]

    @classmethod
    def of_all(cls, passes: Sequence[Self]) -> Self:
        """Return how long passes took, one after the other."""
        return cls(sum(each.whole for each in passes), [time for p in passes for time in p.each])

    @property
    def rate(self) -> float:
        """Requests a second."""
        return len(self.each) / self.whole


@dataclass
class Connection(asyncio.Protocol):
    """A connection that sends the next request when an answer is whole."""

    requests: Iterator[bytes]
    times: list[float]
    ended: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )
    received: bytes = b""
    started: float = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the first request."""
        self.transport = transport
        self.send()

    def send(self) -> None:
        """Send the next request, or end."""
        request = next(self.requests, None)
        if request is None:
            self.ended.set_result(None)
            return
        self.started = perf_counter()
        self.transport.write(request)  # type: ignore[attr-defined]  # of TCP

    def data_received(self, data: bytes) -> None:
        """Take a part of an answer."""
        self.received += data
        head, is_whole, body = self.received.partition(END_OF_HEAD)
        length = LENGTH.search(head)
        if not is_whole or length is None or len(body) < int(length[1]):
            return
        self.times.append(perf_counter() - self.started)
        if not head.startswith(DONE) or b'"errors"' in body:
            self.ended.set_exception(RuntimeError(self.received.decode()))
            return
        self.received = b""
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        """End, if that was not expected."""
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("The server closed the connection."))


def request_of(asked: Asked, token: str) -> bytes:
    """Return a request as it is sent."""
    method, path, body = asked
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def taken(port: int, requests: Sequence[bytes], concurrency: int) -> Taken:
    """Send requests over so many connections, and return how long that took.

    Raises:
        RuntimeError: an answer is not the one that is wanted.

    """
    loop, queue, times = asyncio.get_running_loop(), iter(requests), list[float]()
    start = perf_counter()
    opened = [
        await loop.create_connection(lambda: Connection(queue, times), "127.0.0.1", port)
        for _ in range(min(concurrency, len(requests)))
    ]
    await asyncio.gather(*(connection.ended for _, connection in opened))
    whole = perf_counter() - start
    for transport, _ in opened:
        transport.close()
    return Taken(whole, times)
