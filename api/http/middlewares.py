"""What happens around every handler, outermost first."""

import re
from random import getrandbits
from time import perf_counter
from typing import Final

import structlog
from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from api import limits
from api.http.access import authorize
from api.http.app_keys import METRICS, QUOTAS, RATE_LIMITER, REQUEST_ID, VIEWER
from api.http.body import too_large
from api.http.client_address import client_address
from api.http.paths import PROBE_PATHS
from api.http.problem_details import Problem, render
from api.http.rate_limit import shares_told, take_of_address, take_of_viewer
from api.log_context import bind, start_context
from engine.errors import InterlockError, InvalidInput

REQUEST_ID_HEADER: Final = "X-Request-ID"
REQUEST_ID_FORM: Final = re.compile(rf"[A-Za-z0-9._:-]{{1,{limits.REQUEST_ID_CHARACTERS}}}")
REQUEST_ID_BITS: Final = 128
UNMATCHED: Final = "unmatched"
UNANSWERED: Final = 499
"""The status that is logged when no whole answer was sent, mostly because the client left."""

SERVER: Final = "interlock"
HEADERS: Final = {
    hdrs.CACHE_CONTROL: "no-store",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
"""What every answer says, unless its handler says otherwise."""

log: Final = structlog.get_logger(component="http")


def name_request(request: web.BaseRequest) -> None:
    """Give the request the id that it brings, or a new one, in the log and in the answer."""
    request_id = id_of(request)
    request[REQUEST_ID], request[QUOTAS] = request_id, {}
    start_context(request_id=request_id)


def id_of(request: web.BaseRequest) -> str:
    """Return the id that a request brings, if it is sane, or else a new one."""
    given = request.headers.get(REQUEST_ID_HEADER)
    if given is not None and REQUEST_ID_FORM.fullmatch(given):
        return given
    return f"{getrandbits(REQUEST_ID_BITS):032x}"  # it is no secret, only one of a kind


@web.middleware
async def observe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Name the request, count it, and write a line about it."""
    started = perf_counter()
    name_request(request)
    status = UNANSWERED
    try:
        response = await handler(request)
        status = response.status
    except web.HTTPRedirection as redirection:
        status = redirection.status
        raise
    else:
        return response
    finally:
        record(request, status, perf_counter() - started)


@web.middleware
async def answer_problems(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer every error with a problem, told as a document or as the route has it told."""
    try:
        return await handler(request)
    except web.HTTPRedirection:
        raise
    except Exception as error:
        if not can_answer(request):
            raise
        problem = problem_of(error, request)
        bind(problem=problem.code, **reason_of(problem))
        return render(problem, request)


@web.middleware
async def guard(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Let in who may enter by the route, as often as they may; without a route, everybody."""
    throttle = request.app[RATE_LIMITER]
    take_of_address(request, throttle.addresses)
    if request.match_info.http_exception is None:
        await authorize(request)
    if VIEWER not in request:
        return await handler(request)
    take_of_viewer(request, throttle.viewers)
    with throttle.in_flight.one_of(request[VIEWER]):
        return await handler(request)


MIDDLEWARES: Final[tuple[Middleware, ...]] = (observe, answer_problems, guard)


async def complete(request: web.Request, response: web.StreamResponse) -> None:
    """Complete an answer just before it is sent."""
    if REQUEST_ID not in request:
        tell_of_expectation(request, response)
    complete_headers(request, response)


def complete_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Add the headers that every answer has."""
    response.headers[hdrs.SERVER] = SERVER
    response.headers[REQUEST_ID_HEADER] = request[REQUEST_ID]
    if shares := request[QUOTAS]:
        response.headers.update(shares_told(shares))
    response.headers.merge(HEADERS)


def tell_of_expectation(request: web.Request, response: web.StreamResponse) -> None:
    """Tell by a problem document of an unknown `Expect`: it is refused before any middleware."""
    name_request(request)
    if not isinstance(response, web.HTTPException):
        return
    render = Problem.of_http(response).response_to(request)
    response.body = render.body
    response.headers[hdrs.CONTENT_TYPE] = render.headers[hdrs.CONTENT_TYPE]
    response.headers[hdrs.CONTENT_LENGTH] = str(response.content_length)


def can_answer(request: web.Request) -> bool:
    """Tell whether the client is still there and has got no part of an answer."""
    return request.transport is not None and request.writer.output_size == 0


def problem_of(error: Exception, request: web.Request) -> Problem:
    """Return what to tell the client of an error; what is unexpected goes to the log instead."""
    match error:
        case InterlockError() if error.status != InterlockError.status:
            return Problem.of(error)
        case web.HTTPRequestEntityTooLarge():
            return Problem.of(too_large(request))
        case web.HTTPException():
            return Problem.of_http(error)
        case web.RequestPayloadError():
            return Problem.of(InvalidInput("The body is not encoded as its headers say."))
        case _:
            log.error("request failed", exc_info=error)
            return Problem.internal(request[REQUEST_ID])


def reason_of(problem: Problem) -> dict[str, object]:
    """Return the sub-reason of a refusal, if it has one, for the log."""
    return {key: problem.members[key] for key in ("reason",) if key in problem.members}


def record(request: web.Request, status: int, seconds: float) -> None:
    """Count one request and write a line about it: the path without its query, no header."""
    resource = request.match_info.route.resource
    route = resource.canonical if resource else UNMATCHED
    request.app[METRICS].observe(route, request.method, status, seconds)
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
