"""`/graphql/stream`: operations answered as server-sent events, for clients behind proxies.

The protocol is that of the library graphql-sse in its "distinct connections mode", with one
operation per request: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md

Each event of a subscription has an id. A client that sends it back as `Last-Event-ID`, as every
`EventSource` does, gets the events after it.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final

import orjson
from aiohttp import hdrs, web

from api.graphql.executor import GraphQLExecutor, GraphQLResponse, error_response
from api.graphql.transport.endpoint import ContextFor, render_graphql_error
from api.graphql.transport.request import SAFE_METHODS, Parameters, read_request
from api.http.accept import best_match
from api.http.access import ProtectedRoute, require_user
from api.http.app_keys import ACTOR, RATE_LIMITER, TOKEN, TOKENS, VIEWER
from api.http.stream_sessions import (
    EndReason,
    StreamEnded,
    StreamSession,
    StreamSessions,
)
from api.limits import STREAM_LIMITS, StreamLimits
from engine.errors import InvalidInput

PATH: Final = "/graphql/stream"
_EVENT_STREAM: Final = "text/event-stream"
_HEADERS: Final = {
    hdrs.CONTENT_TYPE: f"{_EVENT_STREAM}; charset=utf-8",
    "X-Accel-Buffering": "no",  # nginx buffers events without this header
}
_KEEP_ALIVE: Final = b":\n\n"
_RETRY: Final = b"retry: 1000\n\n"
"""The milliseconds after which a client should reconnect."""
_COMPLETE: Final = b"event: complete\ndata:\n\n"
"""With `data`, because clients ignore an event without it."""


@dataclass(frozen=True, slots=True)
class _SseEndpoint:
    """Answers one operation with events."""

    executor: GraphQLExecutor
    context_for: ContextFor
    sessions: StreamSessions
    limits: StreamLimits

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request with an event for each response of the operation."""
        accept = ", ".join(request.headers.getall(hdrs.ACCEPT, []))
        best_match(accept, (_EVENT_STREAM,), default=_EVENT_STREAM)
        responses = await self._responses(request)
        stream = web.StreamResponse(headers=_HEADERS)
        with suppress(ConnectionError):
            try:
                async with self.sessions.open() as session, aclosing(responses):
                    session.expire_with_token(request[TOKEN], request.app[TOKENS])
                    await stream.prepare(request)
                    wait = partial(request.app[RATE_LIMITER].wait, request[VIEWER])
                    await _EventStream(stream, self.limits, wait).send_all(responses, session)
            except StreamEnded as ended:
                if ended.reason is EndReason.SERVER_STOPS and stream.prepared:
                    await stream.write(_RETRY)
        return stream

    async def _responses(self, request: web.Request) -> AsyncGenerator[GraphQLResponse, None]:
        """Return the responses of the operation; a malformed request is also answered as event."""
        try:
            parameters = Parameters.parse(await read_request(request))
        except InvalidInput as error:
            return _single(error_response(error))
        request.app[RATE_LIMITER].check(request[VIEWER])
        graphql_request = parameters.to_request(queries_only=request.method in SAFE_METHODS)
        make_context = partial(self.context_for, request[ACTOR])
        resume_after = request.headers.get("Last-Event-ID")
        return self.executor.stream(graphql_request, make_context, resume_after)


@dataclass(frozen=True, slots=True)
class _EventStream:
    """The event stream of one request.

    Attributes:
        wait: waits until the viewer can have the next event.

    """

    stream: web.StreamResponse
    limits: StreamLimits
    wait: Callable[[], Awaitable[None]]

    async def send_all(
        self, responses: AsyncGenerator[GraphQLResponse, None], session: StreamSession
    ) -> None:
        """Send responses as they come, and comments in between."""
        keep_alive = asyncio.create_task(self._keep_alive(session))
        try:
            async for response in responses:
                await self.stream.write(_next_event(response))
                await self.wait()
            await self.stream.write(_COMPLETE)
        finally:
            keep_alive.cancel()
            await asyncio.wait([keep_alive])

    async def _keep_alive(self, session: StreamSession) -> None:
        """Send comments: proxies keep the connection open, and a dead client is detected."""
        try:
            while True:
                await asyncio.sleep(self.limits.heartbeat_seconds)
                await self.stream.write(_KEEP_ALIVE)
        except ConnectionError:
            session.expire_after(0, EndReason.NOT_READ)


def events_routes(
    executor: GraphQLExecutor,
    context_for: ContextFor,
    sessions: StreamSessions,
    limits: StreamLimits = STREAM_LIMITS,
) -> list[ProtectedRoute]:
    """Return the routes of server-sent events."""
    answer = _SseEndpoint(executor, context_for, sessions, limits).answer
    routes = web.get(PATH, answer, allow_head=False), web.post(PATH, answer)
    return [ProtectedRoute(require_user, each, render_graphql_error, inf) for each in routes]


def _next_event(response: GraphQLResponse) -> bytes:
    """Return the event for a response; JSON has no line breaks."""
    has_id = response.resume_after is not None
    event_id = f"id: {response.resume_after}\n" if has_id else ""
    return b"event: next\n%sdata: %s\n\n" % (event_id.encode(), orjson.dumps(response.body))


async def _single(response: GraphQLResponse) -> AsyncGenerator[GraphQLResponse, None]:
    yield response
