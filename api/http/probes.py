"""What the platform asks: is the process up, is it ready, how is it doing. Open to everybody."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST

from api import limits
from api.http.entrances import By, everybody
from api.http.keys import METRICS
from engine.errors import Unavailable

HEALTH_PATH: Final = "/healthz"
READINESS_PATH: Final = "/readyz"
METRICS_PATH: Final = "/metrics"
PROBE_PATHS: Final = frozenset({HEALTH_PATH, READINESS_PATH, METRICS_PATH})

log: Final = structlog.get_logger(component="http")

Readiness = Callable[[], Awaitable[None]]
"""Returns when requests can be served; raises when they can not."""


def probe_routes(readiness: Readiness) -> list[By]:
    """Return the routes for the platform."""

    async def answer_readiness(_request: web.Request) -> web.Response:
        await check_readiness(readiness)
        return web.json_response({"status": "ready"})

    return [
        By(everybody, web.get(HEALTH_PATH, answer_health)),
        By(everybody, web.get(READINESS_PATH, answer_readiness)),
        By(everybody, web.get(METRICS_PATH, answer_metrics)),
    ]


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


async def answer_health(_request: web.Request) -> web.Response:
    """Answer that the process is up, whatever it depends on."""
    return web.json_response({"status": "up"})


async def answer_metrics(request: web.Request) -> web.Response:
    """Answer every metric in the text format of Prometheus."""
    body = request.app[METRICS].exposition()
    return web.Response(body=body, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})
