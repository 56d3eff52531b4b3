"""`POST /api/v1/registry/reload`: reconciles the mounted values file."""

from aiohttp import web

from api.auth.api_keys import Scope
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.http.app_keys import API_KEY
from api.limits import ADMINISTRATION_SECONDS_MAX
from api.rest.acknowledgements import read_acknowledgements
from api.rest.plan_response import plan_response
from api.runtime.values_file import ValuesFile
from engine.errors import NotFound


def reload_route(values: ValuesFile | None) -> ProtectedRoute:
    """Return the route; without a mounted values file, it responds with NotFound."""

    async def reload(request: web.Request) -> web.Response:
        allowed = read_acknowledgements(request)
        if values is None:
            raise NotFound("This server has no values file: set INTERLOCK_VALUES_FILE.")
        return plan_response(await values.reload(allowed, key=request[API_KEY]))

    return ProtectedRoute(
        ApiKeyAccess(Scope.RELOAD),
        web.post("/api/v1/registry/reload", reload),
        seconds=ADMINISTRATION_SECONDS_MAX,
    )
