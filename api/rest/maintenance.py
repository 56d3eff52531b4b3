"""`/api/v1/maintenance`: schedule, cancel and list maintenance windows with an API key."""

from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Self

from aiohttp import web

from api.auth.api_keys import Scope
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.http.app_keys import API_KEY
from api.http.body import JSON
from api.http.idempotency_key import IdempotencyKeyReused, read_idempotency_key
from api.rest.models import ResponseModel, Timestamp, read_body
from engine.errors import IdempotencyConflict
from engine.outages.maintenance import MaintenanceWindow, NewWindow, WindowState
from engine.storage.outages.maintenance import (
    ALL_TIME,
    cancel_window,
    read_windows,
    schedule_window,
)
from engine.storage.postgres.databases import Databases

_PATH: Final = "/api/v1/maintenance"
_CANCEL_PATH: Final = f"{_PATH}/{{id}}/cancel"
_WINDOWS_SHOWN: Final = 500


class WindowResponse(ResponseModel):
    """A maintenance window."""

    id: str
    """The id; the name of a declared window."""
    state: WindowState
    """Where the window is in time."""
    start: Timestamp
    """When the work starts."""
    end: Timestamp
    """When the work ends; when it was cancelled, if that is earlier."""
    groups: tuple[str, ...]
    """The groups whose services are affected."""
    services: tuple[str, ...]
    """The paths of single services that are affected."""
    text: str
    """What is done, for the readers of the status page."""
    declared: bool
    """Whether values declare it; otherwise it was requested with an API key."""
    cancelled_at: Timestamp | None
    """When it was cancelled; null if it was not."""

    @classmethod
    def of(cls, window: MaintenanceWindow, state: WindowState) -> Self:
        """Return the response for a window."""
        return cls(
            state=state,
            **{name: getattr(window, name) for name in cls.model_fields if name != "state"},
        )


class WindowListResponse(ResponseModel):
    """The maintenance windows, the latest first."""

    windows: tuple[WindowResponse, ...]
    """At most 500 windows."""


def maintenance_routes(databases: Databases) -> list[ProtectedRoute]:
    """Return the routes."""

    async def schedule(request: web.Request) -> web.Response:
        window = await read_body(request, NewWindow)
        try:
            scheduled = await schedule_window(
                databases.changes, window, request[API_KEY], read_idempotency_key(request)
            )
        except IdempotencyConflict as conflict:
            raise IdempotencyKeyReused.of(conflict) from None
        return _respond(scheduled, HTTPStatus.CREATED)

    async def cancel(request: web.Request) -> web.Response:
        window = request.match_info["id"]
        return _respond(await cancel_window(databases.changes, window, request[API_KEY]))

    async def list_all(_request: web.Request) -> web.Response:
        now = datetime.now(UTC)
        windows = await read_windows(databases.reads, ALL_TIME, _WINDOWS_SHOWN)
        response = WindowListResponse(
            windows=tuple(WindowResponse.of(each, each.state_at(now)) for each in windows)
        )
        return web.Response(text=response.model_dump_json(), content_type=JSON)

    access = ApiKeyAccess(Scope.MAINTENANCE)
    return [
        ProtectedRoute(access, web.get(_PATH, list_all)),
        ProtectedRoute(access, web.post(_PATH, schedule)),
        ProtectedRoute(access, web.post(_CANCEL_PATH, cancel)),
    ]


def _respond(window: MaintenanceWindow, status: HTTPStatus = HTTPStatus.OK) -> web.Response:
    response = WindowResponse.of(window, window.state_at(datetime.now(UTC)))
    return web.Response(text=response.model_dump_json(), content_type=JSON, status=status)
