"""Resolvers: monitored services."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Final, TypedDict, cast

from api.graphql.registry import Resolvers
from api.pagination import check_page_size
from api.runtime.loaders import UptimeLoader
from api.runtime.request_context import RequestContext
from engine.outages.uptime import Uptime
from engine.outages.uptime_explanation import explain_uptime
from engine.storage.outages.services import (
    MonitoredService,
    monitored_service,
    monitored_services,
)
from engine.vocabulary import ServiceStatus

resolvers: Final = Resolvers()


_UPTIME: Final = "load_uptime"
"""The key of the function that loads the uptime of a service; no field has this name."""


class _ServiceArguments(TypedDict):
    """The arguments of `Query.service`."""

    path: str


_UptimeArguments = TypedDict("_UptimeArguments", {"from": datetime, "to": datetime | None})
"""The arguments of `Service.uptime`."""


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
    return _together(found, context)


@resolvers.field("Query.service")
async def service(
    _parent: object, arguments: _ServiceArguments, context: RequestContext, _info: object
) -> dict[str, object]:
    """Return the declared service with a path."""
    found = await monitored_service(context.databases.reads, context.viewer, arguments["path"])
    [fields] = _together([found], context)
    return fields


@resolvers.field("Service.uptime")
async def uptime(
    service: dict[str, object],
    arguments: _UptimeArguments,
    _context: RequestContext,
    _info: object,
) -> dict[str, object]:
    """Return the uptime of a service in a period."""
    load = cast("Callable[..., Awaitable[Uptime]]", service[_UPTIME])
    return _uptime_fields(await load(arguments["from"], arguments.get("to")))


def _together(found: list[MonitoredService], context: RequestContext) -> list[dict[str, object]]:
    """Return the fields of services; what belongs to one of them is loaded for all at once."""
    context.load_together([each.ticket for each in found if each.ticket is not None])
    loader = UptimeLoader(context.databases.reads, [each.declared for each in found])
    return [_fields(each, loader) for each in found]


def _uptime_fields(uptime: Uptime) -> dict[str, object]:
    return {
        "percent": uptime.percent,
        "agreedSeconds": _seconds(uptime.agreed),
        "measuredSeconds": _seconds(uptime.measured),
        "downSeconds": _seconds(uptime.down),
        "budgetSeconds": None if uptime.budget is None else _seconds(uptime.budget),
        "remainingSeconds": None if uptime.remaining is None else _seconds(uptime.remaining),
        "explanation": [
            {
                "text": each.text,
                "from": each.span and each.span.start,
                "to": each.span and each.span.end,
                "seconds": _seconds(each.counts),
            }
            for each in explain_uptime(uptime)
        ],
    }


def _seconds(time: timedelta) -> int:
    return round(time.total_seconds())


def _fields(service: MonitoredService, loader: UptimeLoader) -> dict[str, object]:
    declared = service.declared
    return {
        _UPTIME: partial(loader.uptime, declared.path),
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
