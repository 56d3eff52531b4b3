"""The reported health of monitored services; recorded before anything is done about it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Self, TypeAlias

from sqlalchemy import (
    BindParameter,
    Text,
    bindparam,
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
from engine.outages.health_intervals import TimeSpan
from engine.outages.health_report import HealthReport
from engine.outages.maintenance import WINDOW_SOURCE, is_in_maintenance, last_boundary
from engine.outages.policy import worst_status
from engine.storage.outages.health_intervals import end_interval
from engine.storage.outages.maintenance import windows_of_service
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
_SET_STATUS: Final = Statement.of(
    update(service_health)
    .where(service_health.c.service == bindparam("service_path"))
    .values(
        {name: bindparam(f"new_{name}") for name in ("status", "message", "since")}
        | {name: bindparam(f"new_{name}", type_=Text) for name in ("api_key", "source")}
    )
    .returning(service_health)
)
_SET_MESSAGE: Final = Statement.of(
    update(service_health)
    .where(service_health.c.service == bindparam("service_path"))
    .values(message=bindparam("new_message"))
    .returning(service_health)
)
_DECLARED_PATHS: Final = Statement.of(
    select(services.c.path).where(services.c.retired_at.is_(None)).limit(limits.HINT_NAMES + 1)
)


HealthRow: TypeAlias = "Row | Mapping[str, Any]"
"""The columns of `service_health`."""


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
    def of(cls, row: HealthRow) -> Self:
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
        windows = await windows_of_service(session, path, row["since"])
        row = await follow_windows(session, row, windows)
        for report in reports:
            await _put_report(session, report, row["reported_at"])
        news = await _news(session, path, windows, row["reported_at"], reports)
        return ServiceHealth.of(await _set_status(session, row, news, row["reported_at"], key))


async def follow_windows(
    session: Session, row: HealthRow, windows: Sequence[TimeSpan]
) -> HealthRow:
    """Give a service the status that it has since a maintenance window started or ended.

    Args:
        session: a transaction that has locked the health of the service.
        row: the columns of `service_health`.
        windows: those that affect the service.

    Returns:
        The row after the change; the same row if nothing started or ended.

    """
    boundary = last_boundary(windows, row["since"], row["reported_at"])
    if boundary is None:
        return row
    news = await _news(session, row["service"], windows, boundary)
    return await _set_status(session, row, news, boundary)


@dataclass(frozen=True, slots=True)
class _News:
    """The status of a service that follows from its reports and windows, and where it is from."""

    status: ServiceStatus
    source: str | None
    message: str


async def _news(
    session: Session,
    path: str,
    windows: Sequence[TimeSpan],
    at: datetime,
    reports: Sequence[HealthReport] = (),
) -> _News:
    """Return the status that a service has at a time.

    Args:
        session: a transaction that has locked the health of the service.
        path: the path of the service.
        windows: the maintenance windows that affect it.
        at: the time.
        reports: those that were just recorded. A source that reports OPERATIONAL has no current
            report, so its message is in them.

    """
    current = await session.rows(_CURRENT_REPORTS, service_path=path)
    reported = [
        _News(ServiceStatus(each["status"]), each["source"], each["message"]) for each in current
    ]
    if is_in_maintenance(windows, at):
        reported.append(_News(ServiceStatus.MAINTENANCE, WINDOW_SOURCE, ""))
    status = worst_status(each.status for each in reported)
    reported += [_News(each.status, each.source, each.message) for each in reversed(reports)]
    return next((each for each in reported if each.status is status), _News(status, None, ""))


async def _set_status(
    session: Session, row: HealthRow, news: _News, since: datetime, key: str | None = None
) -> HealthRow:
    """Write the status of a service, and record the previous one if it differs."""
    path = row["service"]
    if news.status == row["status"]:
        [same] = await session.rows(_SET_MESSAGE, service_path=path, new_message=news.message)
        return same
    await end_interval(session, row, since)
    [changed] = await session.rows(
        _SET_STATUS,
        service_path=path,
        new_status=news.status,
        new_message=news.message,
        new_since=since,
        new_api_key=key,
        new_source=news.source,
    )
    return changed


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
