"""`/api/v1/templates`: everything out as a backup, and what it declares back in, for machines."""

from typing import Final

from aiohttp import web

from api.http.entrances import By, with_key
from api.keys import Scope
from engine.errors import InvalidInput
from engine.storage.database import Database
from engine.vocabulary import SYSTEM
from reconciler.apply import Order, reconcile
from reconciler.backup import backup_lines
from reconciler.desired import desired_in
from reconciler.document import document_of

EXPORT_PATH: Final = "/api/v1/templates/export"
IMPORT_PATH: Final = "/api/v1/templates/import"
YAML: Final = "application/yaml"
JSON: Final = "application/json"
SOURCE: Final = "templates/import"


def template_routes(database: Database) -> list[By]:
    """Return the routes."""

    async def export(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Type": f"{YAML}; charset=utf-8"})
        await response.prepare(request)
        async for lines in backup_lines(database):
            await response.write(lines.encode())
        await response.write_eof()
        return response

    async def import_declared(request: web.Request) -> web.Response:
        try:
            text = (await request.read()).decode("utf-8")
        except UnicodeDecodeError as error:
            raise InvalidInput(f"The body is not UTF-8 text (byte {error.start}).") from None
        order = Order(by=SYSTEM)
        plan = await reconcile(database, desired_in([(SOURCE, text)]), order, SOURCE)
        return web.Response(text=document_of(plan), content_type=JSON)

    return [
        By(with_key(Scope.EXPORT), web.get(EXPORT_PATH, export)),
        By(with_key(Scope.RELOAD), web.post(IMPORT_PATH, import_declared)),
    ]
