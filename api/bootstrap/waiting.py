"""Waits until another process has prepared the database; answers probes meanwhile."""

import asyncio
from typing import Final, NoReturn

import structlog
from aiohttp import web

from api.auth.tokens import TokenVerifier
from api.bootstrap.auth import key_source, token_rules
from api.bootstrap.engine import open_current
from api.bootstrap.options import server_options
from api.http.access import ProtectedRoute, allow_anyone
from api.http.application import AccessControl, build_application
from api.http.server import listening
from api.rest.health import ServerWaiting, probe_routes
from api.settings import Settings
from engine.errors import Misconfigured, Unavailable
from engine.storage.resources.reconciliations import BEFORE_RECONCILIATIONS, latest_reconciliation

_CHECK_SECONDS: Final = 2
_NOTHING_APPLIED: Final = "No declaration was applied yet: run `interlock deploy`."

log: Final = structlog.get_logger(component="server")


async def wait_for_database(settings: Settings) -> None:
    """Return when the database has the schema of this version and a declaration.

    Until then, all requests except those of the liveness probe get 503.

    Raises:
        Misconfigured: the settings name no database, or the server cannot listen.

    """
    if settings.database_url is None:
        raise Misconfigured(
            "INTERLOCK_DATABASE_SCHEMA=wait needs INTERLOCK_DATABASE_URL, because only this server"
            " could migrate an embedded database."
        )
    if (obstacle := await _find_obstacle(settings)) is None:
        return
    async with listening(_waiting_application(settings), server_options(settings)):
        logged = ""
        while obstacle is not None:
            if obstacle != logged:
                log.warning("waiting for the database", reason=obstacle)
            logged = obstacle
            await asyncio.sleep(_CHECK_SECONDS)
            obstacle = await _find_obstacle(settings)
    log.info("the database is ready")


async def _find_obstacle(settings: Settings) -> str | None:
    """Return why the server cannot use the database yet; None if it can."""
    try:
        async with open_current(settings) as engine:
            position = await latest_reconciliation(engine.database)
    except (Misconfigured, Unavailable) as error:
        return error.message
    if position == BEFORE_RECONCILIATIONS and settings.values_file is None:
        return _NOTHING_APPLIED
    return None


def _waiting_application(settings: Settings) -> web.Application:
    async def refuse(_request: web.Request | None = None) -> NoReturn:
        raise ServerWaiting

    routes = [
        *probe_routes(refuse),
        ProtectedRoute(allow_anyone, web.route("*", "/{path:.*}", refuse)),
    ]
    tokens = TokenVerifier(key_source(settings), token_rules(settings))
    return build_application(routes, AccessControl(tokens))
