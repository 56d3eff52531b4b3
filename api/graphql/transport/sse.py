"""`/graphql/stream`: operations answered as server-sent events, for clients behind proxies.

The protocol is that of the library graphql-sse in its "distinct connections mode", with one
operation per request: https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md

Each event of a subscription has an id. A client that sends it back as `Last-Event-ID`, as every
`EventSource` does, gets the events after it.
"""

from collections.abc import AsyncGenerator
from contextlib import aclosing
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
from api.http.event_stream import EVENT_STREAM, EventStreams, encode_event
from api.http.stream_sessions import StreamSession, StreamSessions
from api.limits import STREAM_LIMITS, StreamLimits
from engine.errors import InvalidInput

PATH: Final = "/graphql/stream"
_COMPLETE: Final = encode_event("complete")


@dataclass(frozen=True, slots=True)
class _SseEndpoint:
    """Answers one operation with events."""

    executor: GraphQLExecutor
    context_for: ContextFor
    streams: EventStreams

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request with an event for each response of the operation."""
        accept = ", ".join(request.headers.getall(hdrs.ACCEPT, []))
        best_match(accept, (EVENT_STREAM,), default=EVENT_STREAM)
        responses = await self._responses(request)

        def authenticate(session: StreamSession) -> None:
            session.expire_with_token(request[TOKEN], request.app[TOKENS])

        async def send(stream: web.StreamResponse, _session: StreamSession) -> None:
            async with aclosing(responses):
                async for response in responses:
                    await stream.write(_next_event(response))
                    await request.app[RATE_LIMITER].wait(request[VIEWER])
                await stream.write(_COMPLETE)

        return await self.streams.answer(request, authenticate, send)

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


def events_routes(
    executor: GraphQLExecutor,
    context_for: ContextFor,
    sessions: StreamSessions,
    limits: StreamLimits = STREAM_LIMITS,
) -> list[ProtectedRoute]:
    """Return the routes of server-sent events."""
    answer = _SseEndpoint(executor, context_for, EventStreams(sessions, limits)).answer
    routes = web.get(PATH, answer, allow_head=False), web.post(PATH, answer)
    return [ProtectedRoute(require_user, each, render_graphql_error, inf) for each in routes]


def _next_event(response: GraphQLResponse) -> bytes:
    """Return the event for a response; JSON has no line breaks."""
    return encode_event("next", orjson.dumps(response.body), response.resume_after)


async def _single(response: GraphQLResponse) -> AsyncGenerator[GraphQLResponse, None]:
    yield response
