"""`/api/v1/templates`: everything out as a backup, and what it declares back in, for machines."""

import asyncio
from typing import Final

from aiohttp import hdrs, web

from api.auth.api_keys import Scope
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.json_encoding import JsonObject
from api.rest.openapi.operation import REFERENCES, Operation, Response, TextBody
from api.rest.plan_response import PLAN_REFUSALS, PLANNED, plan_response
from engine.declaration.models import SECTION, Ticketing
from engine.storage.postgres.database import Database
from engine.vocabulary import SYSTEM
from reconciler.apply import ApplyRequest, reconcile
from reconciler.backup import backup_lines
from reconciler.desired import desired_in

EXPORT_PATH: Final = "/api/v1/templates/export"
IMPORT_PATH: Final = "/api/v1/templates/import"
SOURCE: Final = "templates/import"
YAML: Final = "application/yaml"
YAML_ALIASES: Final = ("application/x-yaml", "text/yaml", "text/x-yaml")
"""What YAML was called before it had a name of its own (RFC 9512, section 2.1)."""

TICKETING: Final[JsonObject] = {SECTION: {"$ref": REFERENCES.format(model=Ticketing.__name__)}}
VALUES: Final = TextBody(
    YAML,
    YAML_ALIASES,
    {"type": "object", "required": [SECTION], "properties": TICKETING},
    (Ticketing,),
)
BACKUP: Final = Response(
    "The backup, in pieces; `integrity` at its end proves it whole.",
    {"type": "object", "required": ["format", SECTION, "tables", "integrity"]},
    media_type=YAML,
)


def backup_and_import_routes(database: Database) -> list[ProtectedRoute]:
    """Return the routes."""

    async def export(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={hdrs.CONTENT_TYPE: f"{YAML}; charset=utf-8"})
        await response.prepare(request)
        async for lines in backup_lines(database):
            await response.write(lines.encode())
        await response.write_eof()
        return response

    async def import_declared(request: web.Request) -> web.Response:
        text = await VALUES.read(request)
        desired = await asyncio.to_thread(desired_in, [(SOURCE, text)])
        return plan_response(await reconcile(database, desired, ApplyRequest(by=SYSTEM), SOURCE))

    exporting = Operation(
        web.get(EXPORT_PATH, export),
        name="exportTemplates",
        summary="Export a backup of everything, whose section `ticketing` can be imported",
        answers=(BACKUP,),
    )
    importing = Operation(
        web.post(IMPORT_PATH, import_declared),
        name="importTemplates",
        summary="Bring into force what a values file declares",
        body=VALUES,
        answers=(PLANNED,),
        refusals=PLAN_REFUSALS,
    )
    return [
        ProtectedRoute(ApiKeyAccess(Scope.EXPORT), exporting),
        ProtectedRoute(ApiKeyAccess(Scope.RELOAD), importing),
    ]
