"""How long streams last: as long as their token is good, somebody reads, and the server runs."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from enum import Enum, auto

from aiohttp import web
from prometheus_client import Gauge

from api.auth import Tokens
from api.auth.jwks import KeySet


class End(Enum):
    """Why a stream ended that could have gone on."""

    NOT_INITIALISED = auto()
    TOKEN_EXPIRED = auto()
    KEY_REMOVED = auto()
    NOT_READ = auto()
    SERVER_STOPS = auto()


class StreamEnded(Exception):
    """A stream has lasted as long as it may."""

    def __init__(self, end: End) -> None:
        self.end = end
        super().__init__(end.name)


class StreamSession:
    """How long one stream may last."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout
        self.end = End.SERVER_STOPS
        """Why it ends, if it does."""
        self.token: str | None = None
        """By which the stream was opened, as soon as it is known."""

    def lasts_as_long_as(self, token: str, tokens: Tokens) -> None:
        """Let the stream last as long as the token by which it was opened."""
        self.token = token
        self.lasts(tokens.seconds_left(token), End.TOKEN_EXPIRED)

    def lasts(self, seconds: float, end: End) -> None:
        """Let the stream last that many seconds more, and tell why it ends then."""
        if not self._timeout.expired():
            self.end = end
            self._timeout.reschedule(asyncio.get_running_loop().time() + seconds)


class StreamSessions:
    """Of all streams of one server process."""

    def __init__(self) -> None:
        self._running: set[StreamSession] = set()
        self._checked_by: KeySet | None = None
        streams = Gauge(
            "interlock_streams", "Sockets and event streams that are open.", registry=None
        )
        streams.set_function(lambda: len(self))
        self.collectors = (streams,)

    def __len__(self) -> int:
        return len(self._running)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[StreamSession]:
        """Yield the lifetime of a stream, which is the block; it lasts until something is said.

        Raises:
            StreamEnded: it has lasted as long as it may.

        """
        try:
            async with asyncio.timeout(None) as timeout:
                lifetime = StreamSession(timeout)
                self._running.add(lifetime)
                try:
                    yield lifetime
                finally:
                    self._running.discard(lifetime)
        except TimeoutError:
            if timeout.expired():
                raise StreamEnded(lifetime.end) from None
            raise

    async def end_refused(self, tokens: Tokens) -> None:
        """End the streams whose token is good no more, once there are other keys than before."""
        opened = [(each, each.token) for each in self._running if each.token is not None]
        if opened and (keys := tokens.keys) is not self._checked_by:
            for lifetime, token in opened:
                if lifetime in self._running and not tokens.is_good(token):
                    lifetime.lasts(0, End.KEY_REMOVED)
                await asyncio.sleep(0)  # a signature takes its time, and there may be thousands
            self._checked_by = keys

    async def end_all(self, _application: web.Application) -> None:
        """End every stream, as the server stops."""
        for lifetime in tuple(self._running):
            lifetime.lasts(0, End.SERVER_STOPS)


@asynccontextmanager
async def send_timeout(seconds: float, request: web.Request) -> AsyncIterator[None]:
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
