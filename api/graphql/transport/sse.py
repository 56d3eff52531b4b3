"""`/graphql/stream`: operations answered as server-sent events, for clients behind proxies.

The protocol is that of the library graphql-sse in its "distinct connections mode": one operation a
request. https://github.com/enisdenjo/graphql-sse/blob/master/PROTOCOL.md

Each event of a subscription has an id, and a client that sends it back as `Last-Event-ID` goes on
after it, as every `EventSource` does by itself.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

import orjson
from aiohttp import hdrs, web

from api.graphql.executor import GraphQLExecutor, GraphQLResponse, error_response
from api.graphql.transport.endpoint import ContextFor, render_graphql_error
from api.graphql.transport.request import SAFE_METHODS, Parameters, read_request
from api.http.accept import best_match
from api.http.access import ProtectedRoute, require_user
from api.http.app_keys import ACTOR, TOKEN, TOKENS
from api.http.stream_sessions import (
    EndReason,
    StreamEnded,
    StreamSession,
    StreamSessions,
    send_timeout,
)
from api.limits import STREAM_LIMITS, StreamLimits
from engine.errors import InvalidInput

PATH: Final = "/graphql/stream"
EVENT_STREAM: Final = "text/event-stream"
HEADERS: Final = {
    hdrs.CONTENT_TYPE: f"{EVENT_STREAM}; charset=utf-8",
    "X-Accel-Buffering": "no",  # nginx would else keep events until it has a page of them
}
KEEP_ALIVE: Final = b":\n\n"
COMPLETE: Final = b"event: complete\ndata:\n\n"
"""An event without data would not be told to anybody."""


@dataclass(frozen=True, slots=True)
class SseEndpoint:
    """Answers one operation with events."""

    executor: GraphQLExecutor
    context_for: ContextFor
    lifetimes: StreamSessions
    limits: StreamLimits

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Answer a request with as many events as it takes."""
        accept = ", ".join(request.headers.getall(hdrs.ACCEPT, []))
        best_match(accept, (EVENT_STREAM,), default=EVENT_STREAM)
        answers = await self._answers(request)
        response = web.StreamResponse(headers=HEADERS)
        with suppress(StreamEnded, ConnectionError):
            async with self.lifetimes.open() as lifetime, aclosing(answers):
                lifetime.expire_with_token(request[TOKEN], request.app[TOKENS])
                await response.prepare(request)
                await EventStream(request, response, self.limits).tell(answers, lifetime)
        return response

    async def _answers(self, request: web.Request) -> AsyncGenerator[GraphQLResponse, None]:
        """Return the answers; what is no request of GraphQL's is told as an event, too."""
        try:
            said = Parameters.read(await read_request(request))
        except InvalidInput as refused:
            return only(error_response(refused))
        asked = said.request(queries_only=request.method in SAFE_METHODS)
        make_context = partial(self.context_for, request[ACTOR])
        return self.executor.stream(asked, make_context, request.headers.get("Last-Event-ID"))


class EventStream:
    """The events of one response."""

    def __init__(
        self, request: web.Request, response: web.StreamResponse, limits: StreamLimits
    ) -> None:
        self._request = request
        self._response = response
        self._limits = limits

    async def tell(
        self, answers: AsyncGenerator[GraphQLResponse, None], lifetime: StreamSession
    ) -> None:
        """Write answers as they come, and signs of life in between."""
        keeping_alive = asyncio.create_task(self._keep_alive(lifetime))
        try:
            async for answer in answers:
                await self._write(next_event(answer))
            await self._write(COMPLETE)
        finally:
            keeping_alive.cancel()
            await asyncio.wait([keeping_alive])

    async def _keep_alive(self, lifetime: StreamSession) -> None:
        """Write comments, by which proxies know that the stream lives, and we that it is read."""
        try:
            while True:
                await asyncio.sleep(self._limits.heartbeat_seconds)
                await self._write(KEEP_ALIVE)
        except ConnectionError:
            lifetime.expire_after(0, EndReason.NOT_READ)

    async def _write(self, event: bytes) -> None:
        """Write an event; ConnectionError if there is nobody to take it."""
        async with send_timeout(self._limits.send_seconds, self._request):
            await self._response.write(event)


def events_routes(
    executor: GraphQLExecutor,
    context_for: ContextFor,
    lifetimes: StreamSessions,
    limits: StreamLimits = STREAM_LIMITS,
) -> list[ProtectedRoute]:
    """Return the routes."""
    door = SseEndpoint(executor, context_for, lifetimes, limits)
    return [
        ProtectedRoute(
            require_user, web.get(PATH, door.answer, allow_head=False), render_graphql_error
        ),
        ProtectedRoute(require_user, web.post(PATH, door.answer), render_graphql_error),
    ]


def next_event(answer: GraphQLResponse) -> bytes:
    """Return the event that tells an answer; JSON has no line breaks."""
    resumes = f"id: {answer.resume_after}\n" if answer.resume_after is not None else ""
    return b"event: next\n%sdata: %s\n\n" % (resumes.encode(), orjson.dumps(answer.body))


async def only(answer: GraphQLResponse) -> AsyncGenerator[GraphQLResponse, None]:
    """Yield the one answer."""
    yield answer
