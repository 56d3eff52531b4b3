"""`POST /api/v1/registry/reload`: a thin door to the mounted values file, for machines."""

from typing import Final

from aiohttp import web

from api.auth.api_keys import Scope
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.rest.openapi.operation import Operation
from api.rest.plan_response import PLAN_REFUSALS, PLANNED, plan_response
from api.runtime.values_file import ValuesFile
from engine.errors import NotFound

RELOAD_PATH: Final = "/api/v1/registry/reload"


def reload_routes(values: ValuesFile | None) -> list[ProtectedRoute]:
    """Return the routes; without mounted values there is nothing to reload."""

    async def reload(_request: web.Request) -> web.Response:
        if values is None:
            raise NotFound("No values file is mounted here: set INTERLOCK_VALUES_FILE.")
        return plan_response(await values.reload())

    operation = Operation(
        web.post(RELOAD_PATH, reload),
        name="reloadRegistry",
        summary="Bring the mounted values file into force now",
        answers=(PLANNED,),
        refusals=(NotFound, *PLAN_REFUSALS),
    )
    return [ProtectedRoute(ApiKeyAccess(Scope.RELOAD), operation)]
