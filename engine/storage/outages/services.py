"""The declared services with how they are doing and their live tickets, for people to see."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, Integer, Text, bindparam, cast, func, literal_column, select

from engine.declaration.models import Service
from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.rows import TICKET_COLUMNS, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import service_health, services, tickets
from engine.storage.tickets.visibility import GuardedStatement, viewer_parameters
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer
from engine.vocabulary import ServiceStatus, Status

SHOWN: Final = (
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
    .subquery("shown")
)
"""A service of which nothing was ever reported is UNKNOWN."""
SERVICES: Final = Statement.of(
    select(SHOWN)
    .where(
        SHOWN.c.path > bindparam("after", type_=Text),
        SHOWN.c.status == func.any(bindparam("statuses", type_=ARRAY(Text))),
    )
    .order_by(SHOWN.c.path)
    .limit(bindparam("first", type_=Integer))
)
LIVE_TICKETS: Final = GuardedStatement.of(
    select(*TICKET_COLUMNS).where(
        tickets.c.service == func.any(bindparam("paths", type_=ARRAY(Text))),
        tickets.c.status != literal_column(f"'{Status.CLOSED}'"),
    )
)


@dataclass(frozen=True, slots=True)
class MonitoredService:
    """A declared service as it is doing.

    Attributes:
        since, reported_at: None if nothing was ever reported of it.
        message: what was reported last with this status; may be empty.
        ticket: its live outage ticket, if there is one that the viewer may read.

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
    """Return declared services in the order of their paths: the first so many after a path."""
    rows = await database.rows(SERVICES, first=first, after=after, statuses=list(statuses))
    declared = [Service.model_validate_json(row["declaration"]) for row in rows]
    paths = [each.path for each in declared]
    live = await database.rows(LIVE_TICKETS.to(viewer), paths=paths, **viewer_parameters(viewer))
    by_path = {row["service"]: ticket_of(row) for row in live}
    return [
        monitored(service, row, by_path.get(service.path))
        for service, row in zip(declared, rows, strict=True)
    ]


def monitored(declared: Service, row: Row, ticket: Ticket | None) -> MonitoredService:
    """Return a row of `SERVICES`."""
    return MonitoredService(
        declared=declared,
        status=ServiceStatus(row["status"]),
        since=row["since"],
        reported_at=row["reported_at"],
        message=row["message"] or "",
        ticket=ticket,
    )
