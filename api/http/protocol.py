"""Connections of clients: what is not HTTP is refused like anything else, with a problem.

The server's parser refuses it before there is a request with a path, so no middleware sees it. Its
own words would quote what was sent, which may hold a token.
"""

import asyncio
from typing import Final

import structlog
from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong

from api import limits
from api.http.app_keys import REQUEST_ID
from api.http.middlewares import complete_headers, name_request
from api.http.problem_details import Problem
from engine.errors import InterlockError

log: Final = structlog.get_logger(component="http")


class MalformedHttp(InterlockError):
    """What was sent is not HTTP/1.1: perhaps it is TLS, or has a control character in a header."""

    code = "malformed_http"
    status = 400


class HeadTooLarge(InterlockError):
    """The address of the request, or one of its headers, is longer than any may be: send less."""

    code = "head_too_large"
    status = 431


class Connection(web.RequestHandler):
    """The connection of one client."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,  # noqa: ARG002  # as aiohttp calls it; the error says more
        exc: BaseException | None = None,
        message: str | None = None,  # noqa: ARG002  # it quotes what was sent
    ) -> web.StreamResponse:
        """Return the answer to what reached no middleware, or got through all of them."""
        if request.writer.output_size > 0:
            raise ConnectionError("A part of an answer is sent already.")
        name_request(request)
        response = problem_of(exc, request).response_to(request)
        complete_headers(request, response)
        response.force_close()
        return response


def problem_of(error: BaseException | None, request: web.BaseRequest) -> Problem:
    """Return what to tell the client; what is no fault of the client goes to the log instead."""
    match error:
        case LineTooLong():
            bound = limits.HEAD_FIELD_BYTES
            message = f"The address, or a header, is longer than {bound:,} bytes: send less."
            refusal: InterlockError = HeadTooLarge(message, limit="head_field_bytes", bound=bound)
        case HttpProcessingError() | web.RequestPayloadError():
            refusal = MalformedHttp()
        case _:
            log.error("request failed", exc_info=error)
            return Problem.internal(request[REQUEST_ID])
    log.info("malformed request", problem=refusal.code, remote=request.remote)
    return Problem.of(refusal)


class Connections(web.Server):
    """Makes the connections of one application, as `web.Server` does."""

    def __call__(self) -> web.RequestHandler:
        """Return the protocol of a new connection."""
        return Connection(
            self,
            loop=asyncio.get_running_loop(),
            access_log=None,  # type: ignore[arg-type]  # there is none
            max_line_size=limits.HEAD_FIELD_BYTES,
            max_field_size=limits.HEAD_FIELD_BYTES,
        )


class Runner(web.AppRunner):
    """Runs an application on such connections."""

    async def _make_server(self) -> web.Server:
        made = await super()._make_server()
        return Connections(made.request_handler, request_factory=made.request_factory)
