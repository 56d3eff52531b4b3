"""`/graphql`: GraphQL over HTTP (September 2026).

All errors are returned in the GraphQL format, including those of HTTP itself.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, Protocol

import orjson
from aiohttp import hdrs, web

from api.graphql.errors import extensions, response_errors, retry_after
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
from api.json_encoding import Json
from engine.errors import InterlockError
from engine.tickets.actor import Actor

PATH: Final = "/graphql"
_GRAPHQL: Final = "application/graphql-response+json"
_MEDIA_TYPES: Final = (_GRAPHQL, JSON)
_PARTIAL_SUCCESS: Final = 294
_METHOD_NOT_ALLOWED: Final = 405
_REASONS: Final = {_PARTIAL_SUCCESS: "Partial Success"}
"""The reason phrases of statuses that the HTTP library does not know."""

ContextFor = Callable[[Actor], Awaitable[object]]
"""Creates the context that the resolvers of one operation share."""


class BrowserPage(Protocol):
    """What browsers get at the endpoint."""

    def is_preferred(self, request: web.Request, others: tuple[str, ...]) -> bool:
        """Return whether a client prefers the page to the other media types."""

    async def page(self, request: web.Request) -> web.Response:
        """Return the page."""


class GraphQLEndpoint:
    """Answers the requests of authenticated users.

    Args:
        executor: executes the operations.
        context_for: creates the context of each operation.
        batch: the maximum number of operations in one request; 0 if batches are off.
        page: the page for browsers; None without a page.

    """

    def __init__(
        self,
        executor: GraphQLExecutor,
        context_for: ContextFor,
        batch: int = 0,
        page: BrowserPage | None = None,
    ) -> None:
        self._executor = executor
        self._context_for = context_for
        self._batch = batch
        self._page = page

    @property
    def routes(self) -> list[ProtectedRoute]:
        """The route of the endpoint, for every method."""
        return [
            ProtectedRoute(self._authorize, web.route("*", PATH, self.answer), render_graphql_error)
        ]

    async def _authorize(self, request: web.Request) -> None:
        """Require a token, except for the page."""
        if not (self._page and self._page.is_preferred(request, _MEDIA_TYPES)):
            await require_user(request)

    async def answer(self, request: web.Request) -> web.Response:
        """Answer a request for one operation, for a batch, or for the page."""
        if self._page and self._page.is_preferred(request, _MEDIA_TYPES):
            return await self._page.page(request)
        # Clients that name no media type (curl, older ones) know only JSON.
        accept = ", ".join(request.headers.getall(hdrs.ACCEPT, []))
        media_type = best_match(accept, _MEDIA_TYPES, default=JSON)
        body = await read_request(request)
        if not isinstance(body, list):
            return _http_response(await self._execute(request, body), media_type)
        check_batch(body, self._batch)
        # Sequentially, so that one request uses only one database connection.
        responses: list[Json] = [
            (await self._execute_in_batch(request, index, each)).body
            for index, each in enumerate(body)
        ]
        headers = _retry_headers(*responses)
        return _json_response(responses, EXECUTED, media_type, headers)

    async def _execute(self, request: web.Request, body: object) -> GraphQLResponse:
        parameters = Parameters.parse(body)
        graphql_request = parameters.to_request(queries_only=request.method in SAFE_METHODS)
        context = await self._context_for(request[ACTOR])
        request.app[RATE_LIMITER].check(request[VIEWER])
        return await self._executor.execute(graphql_request, context)

    async def _execute_in_batch(
        self, request: web.Request, index: int, body: object
    ) -> GraphQLResponse:
        try:
            viewers = request.app[RATE_LIMITER].viewers
            if index > 0 and viewers:  # the request itself took a token for the first operation
                acquire(request, viewers, request[VIEWER])
            return await self._execute(request, body)
        except InterlockError as error:
            return GraphQLResponse({"errors": response_errors(error)}, error.status)


def _http_response(response: GraphQLResponse, media_type: str) -> web.Response:
    """Return a response with the status and media type that the specification requires.

    If the request was not executed, the media type is always `application/graphql-response+json`,
    which distinguishes the error from that of a proxy.
    """
    headers = _retry_headers(response.body)
    if not response.executed:
        if response.status == _METHOD_NOT_ALLOWED:
            headers[hdrs.ALLOW] = hdrs.METH_POST
        return _json_response(response.body, response.status, _GRAPHQL, headers)
    is_partial = "errors" in response.body and media_type == _GRAPHQL
    status = _PARTIAL_SUCCESS if is_partial else EXECUTED
    return _json_response(response.body, status, media_type, headers)


def _retry_headers(*responses: Json) -> dict[str, str]:
    """Return the header for errors after which the client can try again, even with status 200."""
    seconds = [each for response in responses for each in retry_after(response)]
    return {hdrs.RETRY_AFTER: str(max(seconds))} if seconds else {}


def render_graphql_error(problem: Problem, _request: web.Request) -> web.Response:
    """Return a problem in the GraphQL format."""
    members = extensions(problem.code, problem.status, {**problem.members})
    errors: list[Json] = [{"message": problem.detail, "extensions": members}]
    return _json_response({"errors": errors}, problem.status, _GRAPHQL, problem.headers)


def _json_response(
    body: Json, status: int, media_type: str, headers: Mapping[str, str] | None = None
) -> web.Response:
    return web.Response(
        body=orjson.dumps(body),
        status=status,
        reason=_REASONS.get(status),
        headers=headers,
        content_type=media_type,
        charset="utf-8",
    )
