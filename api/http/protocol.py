"""The HTTP protocol of each connection, and errors outside all middlewares.

Requests that aiohttp's parser rejects, and those whose head is refused, have no route, so no
middleware sees them. They get a problem document, as all others do. The parser's own message would
quote what was sent, which can contain a token.
"""

import asyncio
from typing import Final, cast

import structlog
from aiohttp import HttpVersion10, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http import RawRequestMessage
from aiohttp.http_exceptions import BadHttpMessage, HttpProcessingError, LineTooLong
from aiohttp.streams import StreamReader

from api import limits
from api.http.app_keys import CONNECTIONS, EXPECTS_CONTINUE, METRICS, REQUEST_ID
from api.http.connection import LimitedConnection
from api.http.connections import Connections
from api.http.metrics import UNROUTED, Metrics
from api.http.middlewares import add_standard_headers, identify
from api.http.problem_details import Problem
from api.http.request_head import (
    SUPPORTED_VERSIONS,
    HeadTooLarge,
    MalformedHttp,
    expects_continue,
    head_error,
    without_expectation,
)
from api.http.send_timeout import SendTimeoutProtocol
from engine.errors import InterlockError

_TOO_MANY_HEADERS: Final = "Too many headers received"
"""The message of aiohttp's parser; the error has nothing else that tells it from others."""

log: Final = structlog.get_logger(component="http")


class _HttpProtocol(SendTimeoutProtocol):
    """The HTTP protocol of one connection.

    Args:
        server: creates and answers the requests.
        connections: counts and limits the connections.
        send_seconds: how long a client can leave a full send buffer unread.
        metrics: count the requests that no middleware counts; None to count none.

    """

    __slots__ = ("_metrics",)

    def __init__(
        self,
        server: web.Server,
        connections: Connections,
        send_seconds: float,
        metrics: Metrics | None,
    ) -> None:
        super().__init__(server, connections, send_seconds)
        self._metrics = metrics

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002  # aiohttp's signature; the exception says more
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # quotes what was sent
    ) -> web.StreamResponse:
        """Return the response to an error before or around all middlewares.

        Raises:
            ConnectionError: the client has left, or has a part of a response already.

        """
        if isinstance(exc, ConnectionError):
            raise exc
        if is_unrouted := REQUEST_ID not in request:
            identify(request)
        problem = _problem_of(exc, request)
        if is_unrouted and self._metrics is not None:
            self._metrics.observe(UNROUTED, request.method, problem.status, None)
        if request.writer.output_size > 0:
            raise ConnectionError("A part of the response was sent already.")
        self.discard_rest()
        response = problem.response(request)
        add_standard_headers(request, response)
        response.force_close()
        return response


def _problem_of(error: BaseException | None, request: web.BaseRequest) -> Problem:
    """Return the problem for an error; log the error if it is not the client's."""
    match error:
        case InterlockError():
            rejection = error
        case LineTooLong():
            bound = limits.HEAD_FIELD_BYTES
            text = f"The URL, or a header, is longer than {bound:,} bytes: send less."
            rejection = HeadTooLarge(text, limit="head_field_bytes", bound=bound)
        case BadHttpMessage() if error.message == _TOO_MANY_HEADERS:
            bound = limits.HEAD_FIELDS
            text = f"The request has more than {bound} headers: send less."
            rejection = HeadTooLarge(text, limit="head_fields", bound=bound)
        case HttpProcessingError() | web.RequestPayloadError():
            rejection = MalformedHttp()
        case _:
            log.error("request failed", exc_info=error)
            return Problem.internal(request[REQUEST_ID])
    log.info("malformed request", problem=rejection.code, remote=request.remote)
    return Problem.from_error(rejection)


class _HttpProtocolFactory(web.Server):
    """Creates the protocol of each connection, and the requests on it.

    Args:
        application: routes and answers the requests.
        connections: counts and limits the connections.
        send_seconds: how long a client can leave a full send buffer unread.
        metrics: count the requests that no middleware counts; None to count none.

    """

    def __init__(
        self,
        application: web.Server,
        connections: Connections,
        send_seconds: float,
        metrics: Metrics | None,
    ) -> None:
        super().__init__(self._answer, request_factory=self._make_checked_request)
        self._application = application
        self._limited = connections
        self._send_seconds = send_seconds
        self._metrics = metrics

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return _HttpProtocol(self, self._limited, self._send_seconds, self._metrics)

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer a request whose head is not refused."""
        refusal = cast("LimitedConnection", request.protocol).refusal
        if refusal is not None:
            raise refusal
        return await self._application.request_handler(request)

    def _make_checked_request(
        self,
        message: RawRequestMessage,
        payload: StreamReader,
        protocol: web.RequestHandler,
        writer: AbstractStreamWriter,
        task: asyncio.Task[None],
    ) -> web.BaseRequest:
        """Return a request, and refuse it if its head is not acceptable."""
        connection = cast("LimitedConnection", protocol)
        connection.refusal = connection.refusal or head_error(message)
        is_deferred = expects_continue(message)
        if is_deferred:
            message = without_expectation(message)
        if message.version not in SUPPORTED_VERSIONS:
            message = message._replace(version=HttpVersion10)  # the version of the response
        request = self._application.request_factory(message, payload, protocol, writer, task)
        if is_deferred:
            request[EXPECTS_CONTINUE] = True
        return request


class HttpRunner(web.AppRunner):
    """Runs an application with this protocol."""

    def __init__(
        self, application: web.Application, send_seconds: float, shutdown_timeout: float
    ) -> None:
        super().__init__(application, shutdown_timeout=shutdown_timeout)
        self._send_seconds = send_seconds

    async def _make_server(self) -> web.Server:
        connections = self.app.get(CONNECTIONS) or Connections()
        application = await super()._make_server()
        metrics = self.app.get(METRICS)
        return _HttpProtocolFactory(application, connections, self._send_seconds, metrics)
