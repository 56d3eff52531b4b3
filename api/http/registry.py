"""`POST /api/v1/registry/reload`: a thin door to the mounted values file, for machines."""

from typing import Final

from aiohttp import web

from api.http.entrances import By, with_key
from api.keys import Scope
from api.mounted_values import MountedValues
from engine.errors import NotFound
from reconciler.document import document_of

RELOAD_PATH: Final = "/api/v1/registry/reload"
JSON: Final = "application/json"


def registry_routes(values: MountedValues | None) -> list[By]:
    """Return the routes; without mounted values there is nothing to reload."""

    async def reload(_request: web.Request) -> web.Response:
        if values is None:
            raise NotFound("No values file is mounted here: set INTERLOCK_VALUES_FILE.")
        plan = await values.reload()
        return web.Response(text=document_of(plan), content_type=JSON)

    return [By(with_key(Scope.RELOAD), web.post(RELOAD_PATH, reload))]
