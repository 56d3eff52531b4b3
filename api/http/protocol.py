"""Requests that aiohttp's parser rejects: they get a problem document, as all others do.

They have no path yet, so no middleware sees them. The parser's own message would quote what was
sent, which can contain a token.
"""

import asyncio
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from api import limits
from api.http.app_keys import REQUEST_ID
from api.http.middlewares import add_standard_headers, identify
from api.http.problem_details import Problem
from engine.errors import InterlockError

log: Final = structlog.get_logger(component="http")


class MalformedHttp(InterlockError):
    """The request is not HTTP/1.1. Check for TLS, and for control characters in headers."""

    code = "malformed_http"
    status = 400


class HeadTooLarge(InterlockError):
    """The URL of the request, or one of its headers, is too long: send less."""

    code = "head_too_large"
    status = 431


class _HttpProtocol(web.RequestHandler):
    """The HTTP protocol of one connection."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002  # aiohttp's signature; the exception says more
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # quotes what was sent
    ) -> web.StreamResponse:
        """Return the response to an error before or around all middlewares."""
        if request.writer.output_size > 0:
            raise ConnectionError("A part of the response was sent already.")
        identify(request)
        response = _problem_of(exc, request).response(request)
        add_standard_headers(request, response)
        response.force_close()
        return response


def _problem_of(error: BaseException | None, request: web.BaseRequest) -> Problem:
    """Return the problem for an error; log the error if it is not the client's."""
    match error:
        case LineTooLong():
            bound = limits.HEAD_FIELD_BYTES
            message = f"The URL, or a header, is longer than {bound:,} bytes: send less."
            rejection: InterlockError = HeadTooLarge(message, limit="head_field_bytes", bound=bound)
        case HttpProcessingError() | web.RequestPayloadError():
            rejection = MalformedHttp()
        case _:
            log.error("request failed", exc_info=error)
            return Problem.internal(request[REQUEST_ID])
    log.info("malformed request", problem=rejection.code, remote=request.remote)
    return Problem.from_error(rejection)


class _HttpProtocolFactory(web.Server):
    """Creates the protocol of each connection."""

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return _HttpProtocol(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # None disables it
            max_line_size=limits.HEAD_FIELD_BYTES,
            max_field_size=limits.HEAD_FIELD_BYTES,
        )


class HttpRunner(web.AppRunner):
    """Runs an application with this protocol."""

    async def _make_server(self) -> web.Server:
        server = await super()._make_server()
        return _HttpProtocolFactory(server.request_handler, request_factory=server.request_factory)
