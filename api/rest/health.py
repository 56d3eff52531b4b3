"""What the platform asks: is the process up, is it ready, how is it doing. Open to everybody."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST

from api import limits
from api.http.access import By, everybody
from api.http.app_keys import METRICS
from api.json_encoding import JsonObject
from api.rest.openapi.operation import Answer, Operation
from engine.errors import Unavailable

HEALTH_PATH: Final = "/healthz"
READINESS_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"
PROBE_PATHS: Final = frozenset({HEALTH_PATH, READINESS_PATH, METRICS_PATH})
UP: Final = "up"
READY: Final = "ready"

log: Final = structlog.get_logger(component="http")

Readiness = Callable[[], Awaitable[None]]
"""Returns when requests can be served; raises when they can not."""

READINESS: Final[web.AppKey[Readiness]] = web.AppKey("readiness")


async def answer_health(_request: web.Request) -> web.Response:
    """Answer that the process is up, whatever it depends on."""
    return web.json_response({"status": UP})


async def answer_readiness(request: web.Request) -> web.Response:
    """Answer that requests can be served, or raise Unavailable."""
    await check_readiness(request.app[READINESS])
    return web.json_response({"status": READY})


async def check_readiness(readiness: Readiness) -> None:
    """Return when the check passes in time.

    Raises:
        Unavailable: it does not; why not is for the log, not for everybody.

    """
    try:
        async with asyncio.timeout(limits.READINESS_SECONDS):
            await readiness()
    except Exception as error:
        log.warning("not ready", exc_info=error)
        raise Unavailable("The server is not ready; the reason stands in its log.") from error


async def answer_metrics(request: web.Request) -> web.Response:
    """Answer every metric in the text format of Prometheus."""
    body = request.app[METRICS].exposition()
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})


def status_of(value: str) -> JsonObject:
    """Return the schema of an answer that only says one thing."""
    return {
        "type": "object",
        "properties": {"status": {"const": value}},
        "required": ["status"],
    }


OPERATIONS: Final = (
    Operation(
        web.get(HEALTH_PATH, answer_health),
        name="readHealth",
        summary="Tell whether the process is up, whatever it depends on",
        answers=(Answer("It is.", status_of(UP)),),
    ),
    Operation(
        web.get(READINESS_PATH, answer_readiness),
        name="readReadiness",
        summary="Tell whether requests can be served",
        answers=(Answer("They can.", status_of(READY)),),
        refusals=(Unavailable,),
    ),
    Operation(
        web.get(METRICS_PATH, answer_metrics),
        name="readMetrics",
        summary="Read every metric, in the text format of Prometheus",
        answers=(Answer("The metrics.", {"type": "string"}, media_type="text/plain"),),
    ),
)
PROBES: Final = tuple(By(everybody, operation) for operation in OPERATIONS)
"""The routes for the platform."""
