"""The recorded statuses of services over time: append-only, one row for each past status.

The row of a status is written in the transaction that ends the status. The current status is in
`service_health`, with the number and the digest of the latest row.
"""

from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ARRAY,
    DateTime,
    Text,
    bindparam,
    func,
    insert,
    null,
    select,
    union_all,
    update,
)

from engine.outages.health_intervals import HealthInterval, TimeSpan, interval_digest
from engine.sealing.flaw import RecordFlaw
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import health_intervals, service_health
from engine.tickets.history import GENESIS
from engine.vocabulary import ServiceStatus

_PREFETCHED_ROWS: Final = 1_000

_INSERT: Final = Statement.of(
    insert(health_intervals).values(
        {each.name: bindparam(each.name, type_=each.type) for each in health_intervals.columns}
    )
)
_ADVANCE: Final = Statement.of(
    update(service_health)
    .where(service_health.c.service == bindparam("service_path"))
    .values(interval_seq=bindparam("seq"), interval_digest=bindparam("digest"))
)
_PATHS: Final = bindparam("paths", type_=ARRAY(Text))
_PERIOD_START: Final = bindparam("period_start", type_=DateTime(timezone=True))
_PERIOD_END: Final = bindparam("period_end", type_=DateTime(timezone=True))
_PAST: Final = select(
    health_intervals.c.service,
    health_intervals.c.status,
    health_intervals.c.started_at,
    health_intervals.c.ended_at,
).where(
    health_intervals.c.service == func.any(_PATHS),
    health_intervals.c.ended_at > _PERIOD_START,
    health_intervals.c.started_at < _PERIOD_END,
)
_CURRENT: Final = select(
    service_health.c.service, service_health.c.status, service_health.c.since, null()
).where(service_health.c.service == func.any(_PATHS))
_CLOCK: Final = select(null(), null(), func.clock_timestamp(), null())
"""A row without a service, which is computed after the statuses are seen."""
_INTERVALS: Final = Statement.of(
    union_all(_PAST, _CURRENT, _CLOCK).order_by(health_intervals.c.started_at)
)
_RECORDED: Final = Statement.of(
    select(
        health_intervals,
        service_health.c.since,
        service_health.c.interval_seq,
        service_health.c.interval_digest,
        service_health.c.service.label("path"),
    )
    .select_from(service_health)
    .outerjoin(health_intervals)
    .order_by(service_health.c.service, health_intervals.c.seq)
)


async def end_interval(session: Session, health: Row | Mapping[str, Any], end: datetime) -> None:
    """Record the status that a service had until a time.

    Args:
        session: a transaction that has locked the health of the service.
        health: the columns of `service_health` before the change.
        end: when the next status starts.

    """
    if health["since"] == end:
        return  # it had no duration: the first report of the service
    row = {
        "service": health["service"],
        "seq": health["interval_seq"] + 1,
        "status": health["status"],
        "started_at": health["since"],
        "ended_at": end,
        "source": health["source"],
    }
    digest = interval_digest(health["interval_digest"], row)
    await session.run(_INSERT, **row, digest=digest)
    await session.run(_ADVANCE, service_path=row["service"], seq=row["seq"], digest=digest)


@dataclass(frozen=True, slots=True)
class RecordedHealth:
    """The recorded statuses of services in a period.

    Attributes:
        now: the time of the database; the current statuses last until then.
        intervals: of each service, in order. A service that was never reported has none.

    """

    now: datetime
    intervals: Mapping[str, Sequence[HealthInterval]]


async def read_health(
    source: Database | Session, paths: Sequence[str], period: TimeSpan
) -> RecordedHealth:
    """Return the recorded statuses of services in a period."""
    rows = await source.rows(
        _INTERVALS, paths=list(paths), period_start=period.start, period_end=period.end
    )
    now: datetime = next(row["started_at"] for row in rows if row["service"] is None)
    found = defaultdict[str, list[HealthInterval]](list)
    for row in rows:
        end = row["ended_at"] or now
        if row["service"] is not None and row["started_at"] < end:
            interval = HealthInterval(row["started_at"], end, ServiceStatus(row["status"]))
            found[row["service"]].append(interval)
    return RecordedHealth(now, found)


async def audit_health(session: Session) -> AsyncIterator[RecordFlaw]:
    """Yield each service whose recorded statuses were changed, with the first flaw."""
    path, flawed = None, False
    before: Row | None = None
    async for row in session.stream(_RECORDED, _PREFETCHED_ROWS):
        if row["path"] != path:
            if before is not None and not flawed and (message := _end_flaw(before)):
                yield RecordFlaw(f"service {path}", message)
            path, before, flawed = row["path"], None, False
        if not flawed and (message := _interval_flaw(row, before)):
            flawed = True
            yield RecordFlaw(f"service {path}", message)
        before = row
    if before is not None and not flawed and (message := _end_flaw(before)):
        yield RecordFlaw(f"service {path}", message)


def _interval_flaw(row: Row, before: Row | None) -> str | None:
    """Return the flaw of a recorded status, given the previous one of the service; None without."""
    if row["seq"] is None:
        return None
    expected = 1 if before is None else before["seq"] + 1
    if row["seq"] != expected:
        return f"its status number {expected} is missing"
    if before is not None and row["started_at"] != before["ended_at"]:
        return f"its status number {expected} does not start when the previous one ends"
    if row["digest"] != interval_digest(GENESIS if before is None else before["digest"], row):
        return f"its status number {expected} was changed"
    return None


def _end_flaw(last: Row) -> str | None:
    """Return the flaw between the last recorded status of a service and the current one."""
    if (last["seq"] or 0) != last["interval_seq"]:
        return f"{last['seq'] or 0} statuses are recorded instead of {last['interval_seq']}"
    if (last["digest"] or GENESIS) != last["interval_digest"]:
        return "its last recorded status was changed"
    if last["seq"] is not None and last["since"] != last["ended_at"]:
        return "its current status does not start when the last recorded one ends"
    return None
