"""Reads what the public status page is made of, in one snapshot."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Text,
    bindparam,
    func,
    literal_column,
    select,
)

from engine import limits
from engine.outages.health_intervals import TimeSpan
from engine.outages.status_page import GroupFacts, IncidentFacts, StatusFacts, first_day
from engine.storage.outages.health_intervals import read_health
from engine.storage.outages.maintenance import read_windows
from engine.storage.outages.publications import (
    entries_of_kind,
    read_public_groups,
    read_publications,
)
from engine.storage.outages.uptime import read_uptime_targets
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import service_group, services, ticket_status_history, tickets
from engine.storage.resources.plugins import TICKETING_ENABLED
from engine.tickets.history import EntryKind
from engine.vocabulary import Status

_RESOLVED: Final = frozenset({Status.RESOLVED, Status.CLOSED})

_NOW: Final = Statement.of(
    select(func.clock_timestamp().label("now"), TICKETING_ENABLED.label("enabled"))
)
_GROUPS: Final = bindparam("groups", type_=ARRAY(Text))
_SERVICES: Final = Statement.of(
    select(services.c.path, service_group.label("sla_group"))
    .where(services.c.retired_at.is_(None), service_group == func.any(_GROUPS))
    .order_by(services.c.path)
)
_RECENT: Final = bindparam("recent", type_=DateTime(timezone=True))
_PUBLISHED: Final = select(ticket_status_history.c.ticket).where(
    ticket_status_history.c.kind == literal_column(f"'{EntryKind.PUBLICATION}'"),
    ticket_status_history.c.at > bindparam("published_after", type_=DateTime(timezone=True)),
)
_INCIDENTS: Final = Statement.of(
    select(
        tickets.c.id,
        tickets.c.created_at,
        tickets.c.service.is_not(None).label("is_outage"),
        func.coalesce(service_group, tickets.c.assignee_group).label("affected"),
    )
    .outerjoin(services, services.c.path == tickets.c.service)
    .where(
        (tickets.c.service == func.any(bindparam("paths", type_=ARRAY(Text))))
        | tickets.c.id.in_(_PUBLISHED),
        (tickets.c.status != literal_column(f"'{Status.CLOSED}'"))
        | (tickets.c.updated_at > _RECENT),
        func.coalesce(service_group, tickets.c.assignee_group) == func.any(_GROUPS),
    )
    .order_by(tickets.c.created_at.desc(), tickets.c.id)
    .limit(bindparam("most", type_=Integer))
)
_TRANSITIONS: Final = entries_of_kind(EntryKind.STATUS)


async def read_status_facts(database: Database) -> StatusFacts | None:
    """Return what the status page is made of; None while it is off."""
    async with database.snapshot() as session:
        page, targets = await read_public_groups(session)
        if not page.enabled:
            return None
        [clock] = await session.rows(_NOW)
        now: datetime = clock["now"]
        groups = [each.sla_group for each in targets]
        rows = await session.rows(_SERVICES, groups=groups)
        paths = [row["path"] for row in rows]
        recorded = await read_health(session, paths, TimeSpan(first_day(now), now))
        by_group = defaultdict[str, list[str]](list)
        for row in rows:
            by_group[row["sla_group"]].append(row["path"])
        declared = await read_uptime_targets(session, targets)
        return StatusFacts(
            now=now,
            page=page,
            groups=[
                GroupFacts(
                    each,
                    declared[each.sla_group],
                    {path: recorded.intervals.get(path, ()) for path in by_group[each.sla_group]},
                )
                for each in targets
            ],
            incidents=await _read_incidents(session, groups, paths, now)
            if clock["enabled"]
            else (),
            windows=await read_windows(session, now),
        )


async def _read_incidents(
    session: Session, groups: Sequence[str], paths: Sequence[str], now: datetime
) -> list[IncidentFacts]:
    recent = now - timedelta(days=limits.INCIDENT_DAYS)
    rows = await session.rows(
        _INCIDENTS,
        groups=list(groups),
        paths=list(paths),
        recent=recent,
        published_after=first_day(now),
        most=limits.STATUS_PAGE_INCIDENTS,
    )
    ids = [row["id"] for row in rows]
    published = await read_publications(session, ids)
    resolved = _resolutions(await session.rows(_TRANSITIONS, tickets=ids))
    return [
        IncidentFacts(
            row["affected"], row["created_at"], resolved.get(row["id"]), published.get(row["id"])
        )
        for row in rows
        if (row["is_outage"] or row["id"] in published)
        and ((at := resolved.get(row["id"])) is None or at > recent)
    ]


def _resolutions(transitions: Sequence[Row]) -> dict[str, datetime]:
    """Return since when tickets are RESOLVED or CLOSED; without those that are neither."""
    found: dict[str, datetime] = {}
    for row in transitions:
        if Status(row["new_value"]) in _RESOLVED:
            found.setdefault(row["ticket"], row["at"])
        else:
            found.pop(row["ticket"], None)
    return found
