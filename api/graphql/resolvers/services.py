"""Resolvers: monitored services."""

from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.pagination import check_page_size
from api.runtime.request_context import RequestContext
from engine.storage.outages.services import MonitoredService, monitored_services
from engine.vocabulary import ServiceStatus

resolvers: Final = Resolvers()


class _Arguments(TypedDict, total=False):
    """The arguments of `Query.services`."""

    first: int
    after: str | None
    status: list[str] | None


@resolvers.field("Query.services")
async def services(
    _parent: object, arguments: _Arguments, context: RequestContext, _info: object
) -> list[dict[str, object]]:
    """Return declared services with their health and their live tickets."""
    bound = context.limits.page_services
    first = check_page_size("first", arguments["first"], "page_services", bound)
    statuses = [ServiceStatus(each) for each in arguments.get("status") or ServiceStatus]
    found = await monitored_services(
        context.databases.reads, context.viewer, first, arguments.get("after") or "", statuses
    )
    context.load_together([each.ticket for each in found if each.ticket is not None])
    return [_fields(each) for each in found]


def _fields(service: MonitoredService) -> dict[str, object]:
    declared = service.declared
    return {
        "path": declared.path,
        "status": service.status,
        "since": service.since,
        "reportedAt": service.reported_at,
        "message": service.message,
        "slaGroup": declared.sla_group,
        "autoTicket": declared.auto_ticket,
        "workflow": declared.workflow,
        "ticket": service.ticket,
    }
