"""How monitored services are doing, as reported: recorded first, whatever becomes of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

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
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.locks import lock_tickets_shared
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import service_health, service_reports, services
from engine.vocabulary import ServiceStatus

NEVER_REPORTED: Final = select(
    services.c.path,
    literal_column(f"'{ServiceStatus.UNKNOWN}'", Text),
    func.clock_timestamp(),
    func.clock_timestamp(),
    literal_column("''", Text),
).where(services.c.path == bindparam("service_path"))
LOCK: Final = Statement.of(
    insert(service_health)
    .from_select(["service", "status", "since", "reported_at", "message"], NEVER_REPORTED)
    .on_conflict_do_update(
        index_elements=[service_health.c.service], set_={"reported_at": func.clock_timestamp()}
    )
    .returning(service_health)
)
"""One report of a service is recorded after the other."""
SIGNAL: Final[dict[str, BindParameter[object]]] = {
    name: bindparam(f"new_{name}") for name in ("status", "message", "reported_at")
}
SAY: Final = Statement.of(
    insert(service_reports)
    .values(service=bindparam("service_path"), source=bindparam("said_by"), **SIGNAL)
    .on_conflict_do_update(index_elements=list(service_reports.primary_key), set_=SIGNAL)
)
TAKE_BACK: Final = Statement.of(
    delete(service_reports).where(
        service_reports.c.service == bindparam("service_path"),
        service_reports.c.source == bindparam("said_by"),
    )
)
SIGNALS: Final = Statement.of(
    select(service_reports)
    .where(service_reports.c.service == bindparam("service_path"))
    .order_by(service_reports.c.reported_at.desc(), service_reports.c.source)
)
KEEP: Final = Statement.of(
    update(service_health)
    .where(service_health.c.service == bindparam("service_path"))
    .values(
        status=bindparam("new_status"),
        message=bindparam("new_message"),
        since=case(
            (service_health.c.status == bindparam("new_status"), service_health.c.since),
            else_=service_health.c.reported_at,
        ),
    )
    .returning(service_health)
)
KNOWN: Final = Statement.of(
    select(services.c.path).where(services.c.retired_at.is_(None)).limit(limits.HINT_NAMES + 1)
)


@dataclass(frozen=True, slots=True)
class ServiceHealth:
    """How one service is doing.

    Attributes:
        status: the gravest that any source reports.
        since: since when it has this status.
        reported_at: when anything was reported last.
        message: of the latest report with this status; may be empty.

    """

    service: str
    status: ServiceStatus
    since: datetime
    reported_at: datetime
    message: str

    @classmethod
    def of(cls, row: Row) -> "ServiceHealth":
        """Return a row that holds the columns of `service_health`."""
        return cls(
            service=row["service"],
            status=ServiceStatus(row["status"]),
            since=row["since"],
            reported_at=row["reported_at"],
            message=row["message"],
        )


async def record_reports(
    database: Database, path: str, reports: Sequence[HealthReport]
) -> ServiceHealth:
    """Record reports of one service, in their order, and return how it is doing by all sources.

    A service that is retired is recorded too, so that its last ticket learns of its recovery.

    Raises:
        NotFound: there never was a service of that path; the near paths are offered.

    """
    async with database.transaction() as session:
        await lock_tickets_shared(session)  # before the services, as a reconciliation locks them
        row = await session.row(LOCK, service_path=path)
        if row is None:
            raise await unknown_service(session, path)
        for report in reports:
            await keep_signal(session, report, row["reported_at"])
        status, message = summed_up(await session.rows(SIGNALS, service_path=path), reports)
        kept = await session.rows(KEEP, service_path=path, new_status=status, new_message=message)
        return ServiceHealth.of(kept[0])


async def keep_signal(session: Session, report: HealthReport, at: datetime) -> None:
    """Keep what a source says, unless it says that all is well."""
    by = {"service_path": report.path, "said_by": report.source}
    if report.status is ServiceStatus.OPERATIONAL:
        await session.run(TAKE_BACK, **by)
        return
    said = {"new_status": report.status, "new_message": report.message, "new_reported_at": at}
    await session.run(SAY, **by, **said)


def summed_up(signals: Sequence[Row], reports: Sequence[HealthReport]) -> tuple[ServiceStatus, str]:
    """Return how a service is doing by what its sources say, newest first, and the words for it."""
    status = worst_status(ServiceStatus(each["status"]) for each in signals)
    told = (each["message"] for each in signals if each["status"] == status)
    well = (each.message for each in reversed(reports) if each.status is status)
    return status, next(told, next(well, ""))


async def unknown_service(session: Session, path: str) -> NotFound:
    """Return the refusal of a report on a service that was never declared."""
    known = [row["path"] for row in await session.rows(KNOWN)]
    near = did_you_mean(path, known if len(known) <= limits.HINT_NAMES else ())
    return NotFound(f"There is no service {path!r}.{near}", service=path)
