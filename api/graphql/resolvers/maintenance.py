"""Resolvers: maintenance windows."""

from datetime import UTC, datetime
from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.pagination import check_page_size
from api.runtime.request_context import RequestContext
from engine.outages.maintenance import MaintenanceWindow, WindowState
from engine.storage.outages.maintenance import ALL_TIME, read_windows

resolvers: Final = Resolvers()


class _WindowsArguments(TypedDict, total=False):
    """The arguments of `Query.maintenanceWindows`."""

    first: int
    state: list[str] | None


@resolvers.field("Query.maintenanceWindows")
async def maintenance_windows(
    _parent: object, arguments: _WindowsArguments, context: RequestContext, _info: object
) -> list[dict[str, object]]:
    """Return the maintenance windows in some states."""
    bound = context.limits.page_services
    first = check_page_size("first", arguments["first"], "page_services", bound)
    states = [WindowState(each) for each in arguments.get("state") or WindowState]
    now = datetime.now(UTC)
    after = ALL_TIME if WindowState.PAST in states else now
    found = await read_windows(context.databases.reads, after)
    return [_fields(each, now) for each in found if each.state_at(now) in states][:first]


def _fields(window: MaintenanceWindow, now: datetime) -> dict[str, object]:
    return {
        "id": window.id,
        "state": window.state_at(now),
        "start": window.start,
        "end": window.end,
        "groups": list(window.groups),
        "services": list(window.services),
        "text": window.text,
        "declared": window.declared,
        "cancelledAt": window.cancelled_at,
    }
