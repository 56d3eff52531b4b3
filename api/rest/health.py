"""Probes and metrics for the platform. They need no credentials."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog
from aiohttp import hdrs, web
from prometheus_client import CONTENT_TYPE_LATEST

from api import limits
from api.http.access import ProtectedRoute, allow_anyone
from api.http.app_keys import METRICS
from api.http.drain import ServerStopping
from api.http.paths import LIVENESS_PATHS, METRICS_PATH, READINESS_PATHS
from api.runtime.background_tasks import BackgroundTaskFailed
from engine.errors import Unavailable

log: Final = structlog.get_logger(component="http")


class ServerWaiting(Unavailable):
    """The database is not ready for this version. The log of the server has the reason."""


class _SharedCheck:
    """A readiness check, whose result all requests get that arrive while it runs.

    Without credentials, a flood of requests could otherwise delay the probes of the platform.
    """

    def __init__(self, check: Callable[[], Awaitable[None]]) -> None:
        self._check = check
        self._running: asyncio.Task[Unavailable | None] | None = None

    async def __call__(self) -> Unavailable | None:
        """Return why the server is not ready; None if it is ready."""
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run())
        return await asyncio.shield(self._running)

    async def _run(self) -> Unavailable | None:
        try:
            async with asyncio.timeout(limits.READINESS_SECONDS):
                await self._check()
        except (BackgroundTaskFailed, ServerStopping, ServerWaiting) as error:
            return error  # the message says more, and is not confidential
        except Exception as error:
            log.warning("not ready", exc_info=error)
            return Unavailable("The server is not ready. Its log has the reason.")
        return None


def probe_routes(check_readiness: Callable[[], Awaitable[None]]) -> list[ProtectedRoute]:
    """Return the routes.

    Args:
        check_readiness: raises the reason if the server cannot serve requests.

    """

    async def read_liveness(_request: web.Request) -> web.Response:
        return web.json_response({"status": "up"})

    check = _SharedCheck(check_readiness)

    async def read_readiness(_request: web.Request) -> web.Response:
        if (error := await check()) is not None:
            raise error.with_traceback(None)  # it is raised for each request
        return web.json_response({"status": "ready"})

    async def read_metrics(request: web.Request) -> web.Response:
        body = request.app[METRICS].exposition()
        return web.Response(body=body, headers={hdrs.CONTENT_TYPE: CONTENT_TYPE_LATEST})

    routes = [
        *(web.get(path, read_liveness) for path in LIVENESS_PATHS),
        *(web.get(path, read_readiness) for path in READINESS_PATHS),
        web.get(METRICS_PATH, read_metrics),
    ]
    return [ProtectedRoute(allow_anyone, each) for each in routes]
