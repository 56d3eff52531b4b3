"""The uptime of services, from what is recorded of their statuses."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from fractions import Fraction
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, cast, func, select

from engine.declaration.models import Service
from engine.declaration.sla_models import ALWAYS, WorkingCalendar
from engine.declaration.status_page_models import GroupTarget, GroupTargets
from engine.outages.health_intervals import with_maintenance
from engine.outages.uptime import Uptime, UptimeTarget, uptime, uptime_period
from engine.resources.resource import SLA_TARGETS
from engine.storage.outages.health_intervals import read_health
from engine.storage.outages.maintenance import read_windows
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import calendars
from engine.storage.resources.settings import read_setting
from engine.tickets.sla_targets import calendar_of

_CALENDARS: Final = Statement.of(
    select(cast(calendars.c.declaration, Text).label("declaration")).where(
        calendars.c.name == func.any(bindparam("names", type_=ARRAY(Text)))
    )
)


async def read_uptimes(
    database: Database, services: Sequence[Service], start: datetime, end: datetime
) -> Mapping[str, Uptime]:
    """Return the uptime of services in a period, by path.

    Raises:
        InvalidInput: see `uptime_period`.

    """
    period = uptime_period(start, end)
    async with database.snapshot() as session:
        recorded = await read_health(session, [each.path for each in services], period)
        declared = await read_setting(session, SLA_TARGETS, GroupTargets) or GroupTargets()
        targets = await read_uptime_targets(session, declared.targets)
        # What windows have done until now is recorded.
        windows = await read_windows(session, recorded.now)
    return {
        each.path: uptime(
            with_maintenance(
                recorded.intervals.get(each.path, ()),
                [window for window in windows if window.affects(each.path, each.sla_group)],
            ),
            period,
            targets.get(each.sla_group),
        )
        for each in services
    }


async def read_uptime_targets(
    source: Database | Session, targets: Sequence[GroupTarget]
) -> Mapping[str, UptimeTarget]:
    """Return the uptime targets of groups with their calendars, by group."""
    names = sorted({each.calendar for each in targets} - {ALWAYS})
    rows = await source.rows(_CALENDARS, names=names) if names else []
    declared = (WorkingCalendar.model_validate_json(row["declaration"]) for row in rows)
    found = {each.name: calendar_of(each) for each in declared}
    return {
        each.sla_group: UptimeTarget(Fraction(str(each.uptime_target)), found.get(each.calendar))
        for each in targets
    }
