"""`/graphql`: the door to the GraphQL layer, as GraphQL over HTTP has it (September 2026).

Every refusal is told in GraphQL's form, also those that are made before GraphQL is reached.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import orjson
from aiohttp import hdrs, web

from api.graphql.errors import RequestError, extensions, response_errors
from api.graphql.executor import EXECUTED, GraphQLExecutor, GraphQLResponse
from api.graphql.transport.request import (
    SAFE_METHODS,
    Parameters,
    check_batch,
    read_request,
)
from api.http.accept import best_match
from api.http.access import ProtectedRoute, require_user
from api.http.app_keys import ACTOR, RATE_LIMITER, VIEWER
from api.http.body import JSON
from api.http.problem_details import Problem
from api.http.rate_limit import acquire
from api.http.rate_limiter import TooManyRequests
from api.json_encoding import Json
from engine.tickets.actor import Actor

PATH: Final = "/graphql"
GRAPHQL: Final = "application/graphql-response+json"
OFFERED: Final = (GRAPHQL, JSON)
PARTIAL_SUCCESS: Final = 294
METHOD_NOT_ALLOWED: Final = 405
REASONS: Final = {PARTIAL_SUCCESS: "Partial Success"}
"""The phrases of statuses that HTTP itself does not have."""

ContextFor = Callable[[Actor], Awaitable[object]]
Page = Callable[[web.Request, tuple[str, ...]], web.Response | None]
"""Returns a page for a client that prefers HTML to the given media types; None for others."""


class GraphQLEndpoint:
    """Answers the requests of signed-in people.

    Args:
        executor: executes what they ask.
        context_for: makes what the resolvers of one operation share.
        batch: how many operations may be sent as one request; 0 if none may.
        page: the page that browsers get instead; None if they get none.

    """

    def __init__(
        self,
        executor: GraphQLExecutor,
        context_for: ContextFor,
        batch: int = 0,
        page: Page | None = None,
    ) -> None:
        self._executor = executor
        self._context_for = context_for
        self._batch = batch
        self._page = page

    @property
    def routes(self) -> list[ProtectedRoute]:
        """The route of the endpoint, for every method."""
        return [
            ProtectedRoute(self._enter, web.route("*", PATH, self.answer), render_graphql_error)
        ]

    async def _enter(self, request: web.Request) -> None:
        """Let in who is signed in, or wants the page."""
        if self._page_for(request) is None:
            await require_user(request)

    def _page_for(self, request: web.Request) -> web.Response | None:
        return self._page(request, OFFERED) if self._page else None

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a request: one operation, or a list of them; or the page."""
        if page := self._page_for(request):
            return page
        media_type = accepted(request)
        said = await read_request(request)
        if not isinstance(said, list):
            return response_of(await self._executed(request, said), media_type)
        check_batch(said, self._batch)
        # In turn, so that one request never takes all connections.
        answers: list[Json] = [
            (await self._of_batch(request, place, each)).body for place, each in enumerate(said)
        ]
        return json_response(answers, EXECUTED, media_type)

    async def _executed(self, request: web.Request, said: object) -> GraphQLResponse:
        asked = Parameters.read(said).request(queries_only=request.method in SAFE_METHODS)
        return await self._executor.execute(asked, await self._context_for(request[ACTOR]))

    async def _of_batch(self, request: web.Request, place: int, said: object) -> GraphQLResponse:
        try:
            viewers = request.app[RATE_LIMITER].viewers
            if place > 0 and viewers:  # the request itself took a token for the first operation
                acquire(request, viewers, request[VIEWER])
            return await self._executed(request, said)
        except (RequestError, TooManyRequests) as refused:
            return GraphQLResponse({"errors": response_errors(refused)}, refused.status)


def accepted(request: web.Request) -> str:
    """Return the media type of an answer; who names none (curl, older clients) knows JSON only."""
    return best_match(", ".join(request.headers.getall(hdrs.ACCEPT, [])), OFFERED, default=JSON)


def response_of(answer: GraphQLResponse, media_type: str) -> web.Response:
    """Return an answer with the status and media type that the specification has for it.

    A client that knows nothing of `application/graphql-response+json` gets it all the same when
    nothing was executed: beside another status than 200 it tells such an answer from a proxy's.
    """
    if not answer.executed:
        is_method = answer.status == METHOD_NOT_ALLOWED
        headers = {str(hdrs.ALLOW): hdrs.METH_POST} if is_method else {}
        return json_response(answer.body, answer.status, GRAPHQL, headers)
    is_partial = "errors" in answer.body and media_type == GRAPHQL
    return json_response(answer.body, PARTIAL_SUCCESS if is_partial else EXECUTED, media_type)


def render_graphql_error(problem: Problem, _request: web.Request) -> web.Response:
    """Return the answer that tells of a problem in GraphQL's form."""
    told = extensions(problem.code, problem.status, {**problem.members})
    errors: list[Json] = [{"message": problem.detail, "extensions": told}]
    return json_response({"errors": errors}, problem.status, GRAPHQL, problem.headers)


def json_response(
    body: Json, status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    """Return an answer in JSON."""
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        reason=REASONS.get(status),
        headers=headers,
        content_type=media_type,
        charset="utf-8",
    )
