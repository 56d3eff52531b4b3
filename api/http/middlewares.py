"""The middlewares of all requests, outermost first."""

import re
from http import HTTPStatus
from math import inf
from random import getrandbits
from time import perf_counter
from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from api import limits
from api.deadline import Deadline
from api.http.access import require_user
from api.http.app_keys import (
    ACCESS,
    BUCKETS,
    DRAIN,
    METRICS,
    RATE_LIMITER,
    REQUEST_ID,
    REQUEST_SECONDS,
    TIME_LIMITS,
    VIEWER,
)
from api.http.body import BodyTooLarge, check_content_encoding
from api.http.client_address import client_address, client_network
from api.http.connection import LimitedConnection
from api.http.metrics import UNROUTED
from api.http.paths import PROBE_PATHS
from api.http.problem_details import ERROR_RENDERERS, UNROUTED_ERROR_RENDERER, Problem
from api.http.rate_limit import acquire, rate_limit_headers
from api.http.request_head import RequestTimeout
from api.log_context import bind, cause_fields, start_context
from engine.errors import DeadlineExceeded, InterlockError, InvalidInput

_REQUEST_ID_HEADER: Final = "X-Request-ID"
REQUEST_ID_PATTERN: Final = rf"[A-Za-z0-9._:-]{{1,{limits.REQUEST_ID_CHARACTERS}}}"
_REQUEST_ID: Final = re.compile(REQUEST_ID_PATTERN)
_REQUEST_ID_BITS: Final = 128
_CLIENT_CLOSED_REQUEST: Final = 499
"""The status to log if no complete response was sent, mostly because the client disconnected."""

_SERVER: Final = "interlock"
_DEFAULT_HEADERS: Final = {
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""The headers of every response whose handler does not set them."""

log: Final = structlog.get_logger(component="http")


def identify(request: web.BaseRequest) -> None:
    """Set the id of a request, for the log and the response: its own if it is valid, or a new one.

    The id has to be unique, not secret.
    """
    request_id = request.headers.get(_REQUEST_ID_HEADER)
    if request_id is None or not _REQUEST_ID.fullmatch(request_id):
        request_id = f"{getrandbits(_REQUEST_ID_BITS):032x}"
    request[REQUEST_ID], request[BUCKETS] = request_id, {}
    start_context(request_id=request_id)


@web.middleware
async def _observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Set the id of the request, count it, and log it."""
    started = perf_counter()
    identify(request)
    status, is_stream = _CLIENT_CLOSED_REQUEST, False
    try:
        response = await handler(request)
        status, is_stream = response.status, not isinstance(response, web.Response)
    except web.HTTPRedirection as redirection:
        status = redirection.status
        raise
    else:
        return response
    finally:
        _record(request, status, perf_counter() - started, is_stream=is_stream)


@web.middleware
async def _render_errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Turn every error into a response, in the format of the route."""
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except Exception as error:
        has_left = request.transport is None or request.transport.is_closing()
        if has_left and isinstance(error, OSError):
            raise ConnectionResetError from error
        problem = _problem_of(error, request)
        reason = {"reason": problem.members["reason"]} if "reason" in problem.members else {}
        bind(problem=problem.code, **reason)
        if has_left or request.writer.output_size > 0:
            raise ConnectionResetError from error
        if request.match_info.http_exception is not None:
            return request.app[UNROUTED_ERROR_RENDERER](problem, request)
        renderers = request.app[ERROR_RENDERERS]
        return renderers.get(request.match_info.route, Problem.response)(problem, request)


@web.middleware
async def _limit_time(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Stop a request that takes too long, with everything that it waits for.

    Raises:
        DeadlineExceeded: the request was stopped.
        RequestTimeout: its body has not arrived yet.

    """
    seconds = request.app[TIME_LIMITS].get(request.match_info.route, request.app[REQUEST_SECONDS])
    if seconds == inf:
        return await handler(request)
    connection = request.protocol
    first_byte_at = connection.first_byte_at if isinstance(connection, LimitedConnection) else None
    try:
        async with Deadline(seconds, first_byte_at):
            return await handler(request)
    except DeadlineExceeded:
        if request.content.is_eof():
            raise
        raise RequestTimeout.of("body", "request_seconds", seconds) from None


@web.middleware
async def _guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Authorize the request and apply the limits of its client.

    A request that matches no route needs no credentials.
    """
    limiter = request.app[RATE_LIMITER]
    if limiter.addresses and request.rel_url.path not in PROBE_PATHS:
        acquire(request, limiter.addresses, client_network(request))
    check_content_encoding(request)
    if request.match_info.http_exception is None:
        await request.app[ACCESS].get(request.match_info.route, require_user)(request)
    if VIEWER not in request:
        return await handler(request)
    viewer = request[VIEWER]
    if limiter.viewers:
        acquire(request, limiter.viewers, viewer)
    with limiter.concurrency.slot(viewer):
        return await limiter.meter(viewer, handler(request))


MIDDLEWARES: Final[tuple[Middleware, ...]] = (_observe, _render_errors, _limit_time, _guard)


async def prepare_response(request: web.Request, response: web.StreamResponse) -> None:
    """Complete a response just before it is sent."""
    if REQUEST_ID not in request:  # aiohttp refuses an unknown `Expect` before any middleware
        identify(request)
        request.app[METRICS].observe(UNROUTED, request.method, response.status, None)
        if isinstance(response, web.HTTPException):
            problem = Problem.from_http(response).response(request)
            response.body = problem.body
            response.headers[hdrs.CONTENT_TYPE] = problem.headers[hdrs.CONTENT_TYPE]
            response.headers[hdrs.CONTENT_LENGTH] = str(problem.content_length)
    # The rest of a body is not read to find the next request.
    is_last = request.app[DRAIN].has_begun or not request.content.is_eof()
    if is_last and response.status != HTTPStatus.SWITCHING_PROTOCOLS:
        response.force_close()
        response.headers[hdrs.CONNECTION] = "close"
    add_standard_headers(request, response)


def add_standard_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Add the headers of every response."""
    response.headers[hdrs.SERVER] = _SERVER
    response.headers[_REQUEST_ID_HEADER] = request[REQUEST_ID]
    if buckets := request[BUCKETS]:
        response.headers.update(rate_limit_headers(buckets))
    response.headers.merge(_DEFAULT_HEADERS)


def _problem_of(error: Exception, request: web.Request) -> Problem:
    """Return the problem for an error; log unexpected errors."""
    match error:
        case InterlockError() if error.status != InterlockError.status:
            return Problem.from_error(error)
        case web.HTTPRequestEntityTooLarge():
            bound = request.client_max_size
            message = f"The body of a request can have at most {bound:,} bytes."
            return Problem.from_error(BodyTooLarge(message, limit="body_bytes", bound=bound))
        case web.HTTPException():
            return Problem.from_http(error)
        case web.RequestPayloadError():
            return Problem.from_error(InvalidInput("The body is not encoded as its headers say."))
        case _:
            log.error("request failed", **cause_fields(error))
            return Problem.internal(request[REQUEST_ID])


def _record(request: web.Request, status: int, seconds: float, *, is_stream: bool) -> None:
    """Count and log one request: the path without its query, and no headers."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource else UNROUTED
    request.app[METRICS].observe(route, request.method, status, None if is_stream else seconds)
    write = log.debug if route in PROBE_PATHS else log.info
    write(
        "request",
        method=request.method,
        path=request.rel_url.raw_path,
        route=route,
        status=status,
        milliseconds=round(seconds * 1e6) / 1e3,
        remote=client_address(request),
    )
