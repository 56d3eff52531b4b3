"""Services whose status waits to be handled, and services in an outage, for forecasts of plans."""

from collections.abc import Collection
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, literal_column, select, text
from sqlalchemy.dialects.postgresql import distinct_on

from engine.outages.policy import OutageTicket, UnhandledService
from engine.storage.history.changes import read_histories
from engine.storage.outages.reconcile_tickets import IS_LIVE, SERVICE_STATES, state_of
from engine.storage.postgres.database import Session
from engine.storage.postgres.rows import ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import service_health, services, tickets, workflows
from engine.vocabulary import ServiceStatus

UNHANDLED: Final = text(
    "service_health.status IN ('DOWN', 'OPERATIONAL')"
    " AND service_health.status IS DISTINCT FROM service_health.last_handled_status"
)
"""Exactly the predicate of the partial index, so that PostgreSQL uses it."""
_UNHANDLED_SERVICES: Final = Statement.of(
    SERVICE_STATES.where(UNHANDLED).order_by(service_health.c.service)
)
_PATHS: Final = bindparam("paths", type_=ARRAY(Text))
_LATEST_TICKETS: Final = Statement.of(
    select(tickets, workflows.c.retired_at.is_not(None).label("retired"))
    .join(workflows)
    .where(tickets.c.service == func.any(_PATHS))
    .ext(distinct_on(tickets.c.service))
    .order_by(tickets.c.service, tickets.c.created_at.desc(), tickets.c.id.desc())
)
_IN_OUTAGE: Final = Statement.of(
    select(services.c.path)
    .outerjoin(service_health)
    .where(
        services.c.path == func.any(_PATHS),
        (service_health.c.status == literal_column(f"'{ServiceStatus.DOWN}'"))
        | select(tickets.c.id).where(tickets.c.service == services.c.path, IS_LIVE).exists(),
    )
    .order_by(services.c.path)
)


async def read_unhandled_services(session: Session) -> list[UnhandledService]:
    """Return all services whose status waits to be handled, ordered by path."""
    rows = await session.rows(_UNHANDLED_SERVICES)
    latest = await session.rows(_LATEST_TICKETS, paths=[row["service"] for row in rows])
    histories = await read_histories(session, [row["id"] for row in latest])
    tickets_by_path = {
        row["service"]: OutageTicket(ticket_of(row), histories[row["id"]], row["retired"])
        for row in latest
    }
    return [UnhandledService(state_of(row), tickets_by_path.get(row["service"])) for row in rows]


async def find_services_in_outage(session: Session, paths: Collection[str]) -> list[str]:
    """Return which of these services are DOWN or have a live outage ticket, ordered by path."""
    return [row["path"] for row in await session.rows(_IN_OUTAGE, paths=list(paths))]
