"""`/api/v1/templates`: export a backup, and import values files."""

import asyncio
from contextlib import aclosing
from math import inf
from typing import Final

from aiohttp import hdrs, web

from api.auth.api_keys import Scope
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.http.app_keys import API_KEY
from api.http.body import UnsupportedMediaType, read_body
from api.limits import ADMINISTRATION_SECONDS_MAX
from api.rest.acknowledgements import read_acknowledgements
from api.rest.exports import Exports, send_text
from api.rest.plan_response import plan_response
from api.runtime.values_file import with_api_key
from engine.errors import InvalidInput
from engine.storage.postgres.database import Database
from engine.vocabulary import SYSTEM
from reconciler.apply import ApplyRequest, reconcile
from reconciler.backup import backup_lines
from reconciler.desired import read_desired
from reconciler.values import ValuesInput

_SOURCE: Final = "templates/import"
_YAML: Final = "application/yaml"
_YAML_TYPES: Final = {_YAML, "application/x-yaml", "text/yaml", "text/x-yaml"}
"""The media type of YAML, and the unregistered ones that preceded it (RFC 9512, section 2.1)."""


def backup_and_import_routes(database: Database, exports: Exports) -> list[ProtectedRoute]:
    """Return the routes."""

    async def export_backup(request: web.Request) -> web.StreamResponse:
        async with exports.open() as own_database, aclosing(backup_lines(own_database)) as lines:
            return await send_text(request, _YAML, lines)

    async def import_values(request: web.Request) -> web.Response:
        apply = ApplyRequest(SYSTEM, read_acknowledgements(request))
        text = await _read_yaml(request)
        desired = await asyncio.to_thread(read_desired, ValuesInput([(_SOURCE, text)]))
        source = with_api_key(_SOURCE, request[API_KEY])
        return plan_response(await reconcile(database, desired, apply, source))

    return [
        ProtectedRoute(
            ApiKeyAccess(Scope.EXPORT),
            web.get("/api/v1/templates/export", export_backup),
            seconds=inf,  # `Exports` sets its limits
        ),
        ProtectedRoute(
            ApiKeyAccess(Scope.RELOAD),
            web.post("/api/v1/templates/import", import_values),
            seconds=ADMINISTRATION_SECONDS_MAX,
        ),
    ]


async def _read_yaml(request: web.Request) -> str:
    """Return the body of a request as text.

    Raises:
        UnsupportedMediaType: the body is not declared as YAML.
        InvalidInput: the body is not UTF-8.

    """
    if request.content_type not in _YAML_TYPES:
        raise UnsupportedMediaType(
            f"Send the body as YAML, with `Content-Type: {_YAML}`.",
            content_type=request.headers.get(hdrs.CONTENT_TYPE),
        )
    try:
        return (await read_body(request)).decode("utf-8")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"The body is not UTF-8 text (byte {error.start}).") from None
