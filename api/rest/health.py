"""What the platform asks: is the process up, is it ready, how is it doing. Open to everybody."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST

from api import limits
from api.http.access import ProtectedRoute, allow_anyone
from api.http.app_keys import METRICS
from api.http.paths import LIVENESS_PATHS, METRICS_PATH, READINESS_PATHS
from api.json_encoding import JsonObject
from api.rest.openapi.operation import Operation, Response
from engine.errors import Unavailable

UP: Final = "up"
READY: Final = "ready"

log: Final = structlog.get_logger(component="http")

Readiness = Callable[[], Awaitable[None]]
"""Returns when requests can be served; raises when they can not."""


async def answer_liveness(_request: web.Request) -> web.Response:
    """Answer that the process is up, whatever it depends on."""
    return web.json_response({"status": UP})


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


def probe_routes(readiness: Readiness) -> list[ProtectedRoute]:
    """Return the routes of the probes, which need no credentials.

    Args:
        readiness: returns if requests can be served; raises the reason if not.

    """

    async def answer_readiness(_request: web.Request) -> web.Response:
        await check_readiness(readiness)
        return web.json_response({"status": READY})

    operations = (
        *(
            Operation(
                web.get(path, answer_liveness),
                name=f"read{path[1:].title()}",
                summary="Report that the process is running",
                answers=(Response("The process is running.", status_of(UP)),),
            )
            for path in LIVENESS_PATHS
        ),
        *(
            Operation(
                web.get(path, answer_readiness),
                name=f"read{path[1:].title()}",
                summary="Report whether the server can serve requests",
                answers=(Response("The server is ready.", status_of(READY)),),
                refusals=(Unavailable,),
            )
            for path in READINESS_PATHS
        ),
        Operation(
            web.get(METRICS_PATH, answer_metrics),
            name="readMetrics",
            summary="Read all metrics in the Prometheus text format",
            answers=(Response("The metrics.", {"type": "string"}, media_type="text/plain"),),
        ),
    )
    return [ProtectedRoute(allow_anyone, operation) for operation in operations]
