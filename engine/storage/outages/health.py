"""The reported health of monitored services; recorded before anything is done about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from sqlalchemy import (
    BindParameter,
    Text,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from engine import limits
from engine.errors import NotFound
from engine.findings import did_you_mean
from engine.outages.health_report import HealthReport
from engine.outages.policy import worst_status
from engine.storage.outages.health_intervals import end_interval
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.locks import lock_tickets_shared
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import service_health, service_reports, services
from engine.vocabulary import ServiceStatus

_CLOCK: Final = select(func.clock_timestamp().label("now")).subquery("clock")
"""One time for both columns, so that the first report does not end an interval."""
_UNREPORTED: Final = select(
    services.c.path,
    literal_column(f"'{ServiceStatus.UNKNOWN}'", Text),
    _CLOCK.c.now,
    _CLOCK.c.now,
    literal_column("''", Text),
).where(services.c.path == bindparam("service_path"))
_LOCK_HEALTH: Final = Statement.of(
    insert(service_health)
    .from_select(["service", "status", "since", "reported_at", "message"], _UNREPORTED)
    .on_conflict_do_update(
        index_elements=[service_health.c.service],
        set_={"reported_at": func.greatest(service_health.c.reported_at, func.clock_timestamp())},
    )
    .returning(service_health)
)
"""Locks the health of a service, so that its reports are recorded one after the other.

The time of a report is never before that of the previous one, also if the clock is set back or
another database takes over.
"""
_NEW_REPORT: Final[dict[str, BindParameter[object]]] = {
    name: bindparam(f"new_{name}") for name in ("status", "message", "reported_at")
}
_PUT_REPORT: Final = Statement.of(
    insert(service_reports)
    .values(service=bindparam("service_path"), source=bindparam("new_source"), **_NEW_REPORT)
    .on_conflict_do_update(index_elements=list(service_reports.primary_key), set_=_NEW_REPORT)
)
_DELETE_REPORT: Final = Statement.of(
    delete(service_reports).where(
        service_reports.c.service == bindparam("service_path"),
        service_reports.c.source == bindparam("new_source"),
    )
)
_CURRENT_REPORTS: Final = Statement.of(
    select(service_reports)
    .where(service_reports.c.service == bindparam("service_path"))
    .order_by(service_reports.c.reported_at.desc(), service_reports.c.source)
)
_IS_UNCHANGED: Final = service_health.c.status == bindparam("new_status")
_UPDATE_HEALTH: Final = Statement.of(
    update(service_health)
    .where(service_health.c.service == bindparam("service_path"))
    .values(
        status=bindparam("new_status"),
        message=bindparam("new_message"),
        since=case((_IS_UNCHANGED, service_health.c.since), else_=service_health.c.reported_at),
        api_key=case((_IS_UNCHANGED, service_health.c.api_key), else_=bindparam("new_api_key")),
        source=case((_IS_UNCHANGED, service_health.c.source), else_=bindparam("new_source")),
    )
    .returning(service_health)
)
_DECLARED_PATHS: Final = Statement.of(
    select(services.c.path).where(services.c.retired_at.is_(None)).limit(limits.HINT_NAMES + 1)
)


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """The health of one service, as its sources report it.

    Attributes:
        status: the most severe status that any source reports.
        since: when the service took this status.
        reported_at: the time of the latest report by any source.
        message: the message of the latest report with this status; may be empty.

    """

    service: str
    status: ServiceStatus
    since: datetime
    reported_at: datetime
    message: str

    @classmethod
    def of(cls, row: Row) -> Self:
        """Return the health in a row that has the columns of `service_health`."""
        return cls(
            service=row["service"],
            status=ServiceStatus(row["status"]),
            since=row["since"],
            reported_at=row["reported_at"],
            message=row["message"],
        )


async def record_reports(
    database: Database, path: str, reports: Sequence[HealthReport], key: str | None = None
) -> ServiceHealth:
    """Record reports of one service, in their order; return the health of the service.

    Reports of a retired service are recorded too, so that its recovery closes its last ticket.

    Args:
        database: where the reports are recorded.
        path: the path of the service.
        reports: of this service.
        key: the name of the API key that sent them.

    Raises:
        NotFound: no service with that path was ever declared; the message suggests similar paths.

    """
    async with database.transaction() as session:
        await lock_tickets_shared(session)  # before the services, as a reconciliation locks them
        row = await session.row(_LOCK_HEALTH, service_path=path)
        if row is None:
            raise await unknown_service(session, path)
        for report in reports:
            await _put_report(session, report, row["reported_at"])
        current = await session.rows(_CURRENT_REPORTS, service_path=path)
        status = worst_status(ServiceStatus(each["status"]) for each in current)
        # A source that reports OPERATIONAL has no current report, so its message is in `reports`.
        news = [(each["source"], each["message"]) for each in current if each["status"] == status]
        news += [(each.source, each.message) for each in reversed(reports) if each.status is status]
        source, message = news[0] if news else (None, "")
        if status != row["status"]:
            await end_interval(session, row)
        [updated] = await session.rows(
            _UPDATE_HEALTH,
            service_path=path,
            new_status=status,
            new_message=message,
            new_api_key=key,
            new_source=source,
        )
        return ServiceHealth.of(updated)


async def _put_report(session: Session, report: HealthReport, at: datetime) -> None:
    """Store the current report of a source; OPERATIONAL deletes it."""
    source = {"service_path": report.path, "new_source": report.source}
    if report.status is ServiceStatus.OPERATIONAL:
        await session.run(_DELETE_REPORT, **source)
        return
    new = {"new_status": report.status, "new_message": report.message, "new_reported_at": at}
    await session.run(_PUT_REPORT, **source, **new)


async def unknown_service(source: Database | Session, path: str) -> NotFound:
    """Return the error for a path of no service, which suggests similar paths."""
    known = [row["path"] for row in await source.rows(_DECLARED_PATHS)]
    near = did_you_mean(path, known if len(known) <= limits.HINT_NAMES else ())
    return NotFound(f"There is no service {path!r}.{near}", service=path)
