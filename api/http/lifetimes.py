"""How long streams last: until their token expires, the server stops, or nobody reads any more."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto

from aiohttp import web
from prometheus_client import Gauge


class End(Enum):
    """Why a stream ended that could have gone on."""

    NOT_INITIALISED = auto()
    TOKEN_EXPIRED = auto()
    NOT_READ = auto()
    SERVER_STOPS = auto()


class StreamEnded(Exception):
    """A stream has lasted as long as it may."""

    def __init__(self, end: End) -> None:
        self.end = end
        super().__init__(end.name)


class Lifetime:
    """How long one stream may last."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout
        self.end = End.SERVER_STOPS
        """Why it ends, if it does."""

    def lasts(self, seconds: float, end: End) -> None:
        """Let the stream last that many seconds more, and tell why it ends then."""
        if not self._timeout.expired():
            self.end = end
            self._timeout.reschedule(asyncio.get_running_loop().time() + seconds)


class Lifetimes:
    """Of all streams of one server process."""

    def __init__(self) -> None:
        self._running: set[Lifetime] = set()
        streams = Gauge(
            "interlock_streams", "Sockets and event streams that are open.", registry=None
        )
        streams.set_function(lambda: len(self))
        self.collectors = (streams,)

    def __len__(self) -> int:
        return len(self._running)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[Lifetime]:
        """Yield the lifetime of a stream, which is the block; it lasts until something is said.

        Raises:
            StreamEnded: it has lasted as long as it may.

        """
        try:
            async with asyncio.timeout(None) as timeout:
                lifetime = Lifetime(timeout)
                self._running.add(lifetime)
                try:
                    yield lifetime
                finally:
                    self._running.discard(lifetime)
        except TimeoutError:
            if timeout.expired():
                raise StreamEnded(lifetime.end) from None
            raise

    async def end_all(self, _application: web.Application) -> None:
        """End every stream, as the server stops."""
        for lifetime in tuple(self._running):
            lifetime.lasts(0, End.SERVER_STOPS)


@asynccontextmanager
async def taken_within(seconds: float, request: web.Request) -> AsyncIterator[None]:
    """Send something within the block; a client that takes no byte of it for too long is let go.

    Raises:
        ConnectionError: it is, without a word, as it would not take that either.

    """
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError from None
