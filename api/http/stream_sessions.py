"""Sessions of streams: WebSockets and event streams, and what ends them."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from enum import Enum, auto

from aiohttp import web
from prometheus_client import Gauge

from api.auth.jwks import KeySet
from api.auth.tokens import TokenVerifier


class EndReason(Enum):
    """Why the server ends a stream."""

    NOT_INITIALISED = auto()
    TOKEN_EXPIRED = auto()
    KEY_REMOVED = auto()
    SIGNED_OUT = auto()
    NOT_READ = auto()
    SERVER_STOPS = auto()


class StreamEnded(Exception):
    """The server ended a stream."""

    def __init__(self, reason: EndReason) -> None:
        self.reason = reason
        super().__init__(reason.name)


class StreamSession:
    """The session of one stream."""

    def __init__(self, timeout: asyncio.Timeout) -> None:
        self._timeout = timeout
        self.end_reason = EndReason.SERVER_STOPS
        self.token: str | None = None
        """The token that authenticates the stream; None until it is known, or without one."""
        self.web_session: bytes | None = None
        """The digest of the web session that authenticates the stream; None without one."""

    def expire_with_token(self, token: str, tokens: TokenVerifier) -> None:
        """End the stream when its token expires."""
        self.token = token
        self.expire_after(tokens.seconds_until_expiry(token), EndReason.TOKEN_EXPIRED)

    def expire_with_web_session(self, digest: bytes, expires_at: datetime) -> None:
        """End the stream when the user is no longer signed in to the web UI."""
        self.web_session = digest
        seconds = (expires_at - datetime.now(UTC)).total_seconds()
        self.expire_after(max(seconds, 0), EndReason.SIGNED_OUT)

    def expire_after(self, seconds: float, reason: EndReason) -> None:
        """End the stream after some seconds, instead of any earlier set time."""
        if not self._timeout.expired():
            self.end_reason = reason
            self._timeout.reschedule(asyncio.get_running_loop().time() + seconds)


class StreamSessions:
    """The sessions of all streams of one server process."""

    def __init__(self) -> None:
        self._sessions: set[StreamSession] = set()
        self._checked_keys: KeySet | None = None
        self._stops_at: float | None = None
        streams = Gauge("interlock_streams", "Open WebSockets and event streams.", registry=None)
        streams.set_function(lambda: len(self))
        self.collectors = (streams,)

    def __len__(self) -> int:
        return len(self._sessions)

    @asynccontextmanager
    async def open(self) -> AsyncIterator[StreamSession]:
        """Yield a new session, which lasts as long as the block if nothing ends it earlier.

        Raises:
            StreamEnded: the server ended the stream.

        """
        try:
            async with asyncio.timeout(None) as timeout:
                session = StreamSession(timeout)
                self._sessions.add(session)
                if self._stops_at is not None:
                    self._end_in_time(session, self._stops_at)
                try:
                    yield session
                finally:
                    self._sessions.discard(session)
        except TimeoutError:
            if timeout.expired():
                raise StreamEnded(session.end_reason) from None
            raise

    async def end_revoked(self, tokens: TokenVerifier) -> None:
        """End the streams whose token is no longer valid, if the keys have changed."""
        authenticated = [(each, each.token) for each in self._sessions if each.token is not None]
        if authenticated and (keys := tokens.keys) is not self._checked_keys:
            for session, token in authenticated:
                if session in self._sessions and not tokens.is_valid(token):
                    session.expire_after(0, EndReason.KEY_REMOVED)
                await asyncio.sleep(0)  # checking thousands of signatures must not block the loop
            self._checked_keys = keys

    async def end_signed_out(
        self, find_valid: Callable[[Collection[bytes]], Awaitable[Collection[bytes]]]
    ) -> None:
        """End the streams whose web session is no longer valid."""
        signed_in = [(each, each.web_session) for each in self._sessions if each.web_session]
        if not signed_in:
            return
        valid = await find_valid({digest for _, digest in signed_in})
        for session, digest in signed_in:
            if digest not in valid and session in self._sessions:
                session.expire_after(0, EndReason.SIGNED_OUT)

    def drain(self, seconds: float) -> None:
        """End every stream before the server stops, at different times.

        So the clients do not all come back at once, and not before the load balancer knows that
        this server stops.
        """
        self._stops_at = asyncio.get_running_loop().time() + seconds
        for session in self._sessions:
            self._end_in_time(session, self._stops_at)

    def _end_in_time(self, session: StreamSession, stops_at: float) -> None:
        loop = asyncio.get_running_loop()
        remaining = max(stops_at - loop.time(), 0)
        delay = random.uniform(remaining / 2, remaining)  # noqa: S311  # jitter is not a secret
        loop.call_later(delay, self._end, session)

    def _end(self, session: StreamSession) -> None:
        if session in self._sessions:
            session.expire_after(0, EndReason.SERVER_STOPS)

    async def end_all(self, _application: web.Application) -> None:
        """End every stream when the server stops."""
        for session in tuple(self._sessions):
            session.expire_after(0, EndReason.SERVER_STOPS)
