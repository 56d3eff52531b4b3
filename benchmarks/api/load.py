"""HTTP requests, sent as fast as one process can, each connection one at a time."""

import asyncio
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final, Self

from benchmarks.api.cases import HttpRequest

_SUCCESSES: Final = (b"HTTP/1.1 200", b"HTTP/1.1 201")
_LENGTH: Final = re.compile(rb"content-length: (\d+)", re.IGNORECASE)
_END_OF_HEAD: Final = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Timing:
    """The duration of a round and the latencies of its requests, in seconds."""

    duration: float
    latencies: Sequence[float]

    @classmethod
    def of_all(cls, passes: Sequence[Self]) -> Self:
        """Return the timing of consecutive passes."""
        latencies = [latency for each in passes for latency in each.latencies]
        return cls(sum(each.duration for each in passes), latencies)

    @property
    def rate(self) -> float:
        """Requests per second."""
        return len(self.latencies) / self.duration


@dataclass
class _Connection(asyncio.Protocol):
    """A connection that sends the next request when a response is complete."""

    requests: Iterator[bytes]
    latencies: list[float]
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
        """Read a part of a response."""
        self.received += data
        head, separator, body = self.received.partition(_END_OF_HEAD)
        length = _LENGTH.search(head)
        if not separator or length is None or len(body) < int(length[1]):
            return
        self.latencies.append(perf_counter() - self.started)
        if not head.startswith(_SUCCESSES) or b'"errors"' in body:
            self.ended.set_exception(RuntimeError(self.received.decode()))
            return
        self.received = b""
        self.send()

    def connection_lost(self, error: Exception | None) -> None:
        """End with an error if the server closed the connection."""
        if not self.ended.done():
            self.ended.set_exception(error or ConnectionError("The server closed the connection."))


def encode_request(request: HttpRequest, token: str) -> bytes:
    """Return the bytes of a request."""
    method, path, body = request
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        f"Accept: application/json\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


async def send_all(port: int, requests: Sequence[bytes], concurrency: int) -> Timing:
    """Send requests over a number of connections.

    Raises:
        RuntimeError: a response is an error.

    """
    loop, queue, latencies = asyncio.get_running_loop(), iter(requests), list[float]()
    start = perf_counter()
    opened = [
        await loop.create_connection(lambda: _Connection(queue, latencies), "127.0.0.1", port)
        for _ in range(min(concurrency, len(requests)))
    ]
    await asyncio.gather(*(connection.ended for _, connection in opened))
    duration = perf_counter() - start
    for transport, _ in opened:
        transport.close()
    return Timing(duration, latencies)
