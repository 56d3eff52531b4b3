"""Server-sent events: their format, and the response that sends them.

The format is that of the HTML standard:
https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from api.http.stream_sessions import EndReason, StreamEnded, StreamSession, StreamSessions
from api.limits import StreamLimits

EVENT_STREAM: Final = "text/event-stream"
RETRY: Final = b"retry: 1000\n\n"
"""The milliseconds after which a client should reconnect."""
KEEP_ALIVE: Final = b":\n\n"
"""A comment, which clients ignore. The first bytes also make the server send the headers."""
_HEADERS: Final = {
    hdrs.CONTENT_TYPE: f"{EVENT_STREAM}; charset=utf-8",
    "X-Accel-Buffering": "no",  # nginx buffers events without this header
}

SendEvents = Callable[[web.StreamResponse, StreamSession], Awaitable[None]]
"""Sends the events of one stream."""


def encode_event(name: str, data: bytes = b"", event_id: object | None = None) -> bytes:
    """Return an event.

    Args:
        name: of the event.
        data: without line breaks. It is sent even if empty, because clients ignore an event
            without data.
        event_id: what a client that reconnects sends as `Last-Event-ID`; None for no id.

    """
    head = f"event: {name}\n" if event_id is None else f"event: {name}\nid: {event_id}\n"
    return b"%sdata: %s\n\n" % (head.encode(), data)


_LAST_EVENTS: Final = {
    EndReason.SERVER_STOPS: RETRY,
    EndReason.SIGNED_OUT: encode_event("signed-out"),
}
"""What the server sends when it ends a stream."""


@dataclass(frozen=True, slots=True)
class EventStreams:
    """Answers requests with event streams.

    Attributes:
        sessions: those of all streams of the server.
        limits: how often a comment is sent.

    """

    sessions: StreamSessions
    limits: StreamLimits

    async def answer(
        self, request: web.Request, authenticate: Callable[[StreamSession], None], send: SendEvents
    ) -> web.StreamResponse:
        """Return a response after all its events are sent, or something ends the stream.

        Args:
            request: of a user who is authenticated.
            authenticate: decides how long the session of the stream lasts.
            send: sends the events.

        """
        stream = web.StreamResponse(headers=_HEADERS)
        with suppress(ConnectionError):
            try:
                async with self.sessions.open() as session:
                    authenticate(session)
                    await stream.prepare(request)
                    await self._send(stream, session, send)
            except StreamEnded as ended:
                if stream.prepared and (last := _LAST_EVENTS.get(ended.reason)):
                    await stream.write(last)
        return stream

    async def _send(
        self, stream: web.StreamResponse, session: StreamSession, send: SendEvents
    ) -> None:
        """Send the events, and comments in between."""
        keep_alive = asyncio.create_task(self._keep_alive(stream, session))
        try:
            await send(stream, session)
        finally:
            keep_alive.cancel()
            await asyncio.wait([keep_alive])

    async def _keep_alive(self, stream: web.StreamResponse, session: StreamSession) -> None:
        """Send comments: proxies keep the connection open, and a dead client is detected."""
        try:
            while True:
                await asyncio.sleep(self.limits.heartbeat_seconds)
                await stream.write(KEEP_ALIVE)
        except ConnectionError:
            session.expire_after(0, EndReason.NOT_READ)
