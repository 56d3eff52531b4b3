"""The declared services, with their health and their live tickets, for display."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, Integer, Text, bindparam, cast, func, literal_column, select

from engine.declaration.models import Service
from engine.storage.outages.health import unknown_service
from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.rows import TICKET_COLUMNS, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import service_health, services, tickets
from engine.storage.tickets.visibility import GuardedStatement, viewer_parameters
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer
from engine.vocabulary import ServiceStatus, Status

_DECLARED: Final = (
    select(
        services.c.path,
        cast(services.c.declaration, Text).label("declaration"),
        func.coalesce(
            service_health.c.status, literal_column(f"'{ServiceStatus.UNKNOWN}'", Text)
        ).label("status"),
        service_health.c.since,
        service_health.c.reported_at,
        service_health.c.message,
    )
    .select_from(services)
    .outerjoin(service_health)
    .where(services.c.retired_at.is_(None))
    .subquery("declared")
)
_SERVICES: Final = Statement.of(
    select(_DECLARED)
    .where(
        _DECLARED.c.path > bindparam("after", type_=Text),
        _DECLARED.c.status == func.any(bindparam("statuses", type_=ARRAY(Text))),
    )
    .order_by(_DECLARED.c.path)
    .limit(bindparam("first", type_=Integer))
)
_SERVICE: Final = Statement.of(select(_DECLARED).where(_DECLARED.c.path == bindparam("path")))
_LIVE_TICKETS: Final = GuardedStatement.of(
    select(*TICKET_COLUMNS).where(
        tickets.c.service == func.any(bindparam("paths", type_=ARRAY(Text))),
        tickets.c.status != literal_column(f"'{Status.CLOSED}'"),
    )
)


@dataclass(frozen=True, slots=True)
class MonitoredService:
    """A declared service and its health.

    Attributes:
        status: UNKNOWN if there is no report yet.
        since, reported_at: None if there is no report yet.
        message: the message of the latest report with this status; may be empty.
        ticket: the live outage ticket, if there is one that the viewer can read.

    """

    declared: Service
    status: ServiceStatus
    since: datetime | None
    reported_at: datetime | None
    message: str
    ticket: Ticket | None


async def monitored_services(
    database: Database,
    viewer: Viewer,
    first: int,
    after: str = "",
    statuses: Sequence[ServiceStatus] = tuple(ServiceStatus),
) -> list[MonitoredService]:
    """Return the `first` declared services after a path, in the order of their paths."""
    rows = await database.rows(_SERVICES, first=first, after=after, statuses=list(statuses))
    return await _with_tickets(database, viewer, rows)


async def monitored_service(database: Database, viewer: Viewer, path: str) -> MonitoredService:
    """Return a declared service.

    Raises:
        NotFound: no service is declared with that path; the message suggests similar paths.

    """
    rows = await database.rows(_SERVICE, path=path)
    if not rows:
        raise await unknown_service(database, path)
    [service] = await _with_tickets(database, viewer, rows)
    return service


async def _with_tickets(
    database: Database, viewer: Viewer, rows: Sequence[Row]
) -> list[MonitoredService]:
    paths = [row["path"] for row in rows]
    live = await database.rows(
        _LIVE_TICKETS.for_viewer(viewer), paths=paths, **viewer_parameters(viewer)
    )
    by_path = {row["service"]: ticket_of(row) for row in live}
    return [
        MonitoredService(
            declared=Service.model_validate_json(row["declaration"]),
            status=ServiceStatus(row["status"]),
            since=row["since"],
            reported_at=row["reported_at"],
            message=row["message"] or "",
            ticket=by_path.get(row["path"]),
        )
        for row in rows
    ]
