"""Gives services the status MAINTENANCE when a window starts, and another one when it ends.

Reports do so as well. This job runs periodically on every server, for services without reports.
"""

from collections.abc import Sequence
from typing import Final

from sqlalchemy import ARRAY, Integer, Text, bindparam, exists, func, literal_column, select, update

from engine.outages.maintenance import MaintenanceWindow, WindowState
from engine.storage.outages.health import follow_windows
from engine.storage.outages.maintenance import read_windows, windows_of_service
from engine.storage.postgres.database import Database
from engine.storage.postgres.locks import lock_tickets_shared
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import service_group, service_health, service_reports, services
from engine.vocabulary import ServiceStatus

_BATCH_SERVICES: Final = 500

_NOW: Final = Statement.of(select(func.clock_timestamp().label("now")))
_IN_MAINTENANCE: Final = service_health.c.status == literal_column(f"'{ServiceStatus.MAINTENANCE}'")
_AFFECTED: Final = (services.c.path == func.any(bindparam("paths", type_=ARRAY(Text)))) | (
    service_group == func.any(bindparam("groups", type_=ARRAY(Text)))
)
_STARTED: Final = Statement.of(
    select(service_health.c.service)
    .join(services)
    .where(_AFFECTED, ~_IN_MAINTENANCE)
    .limit(bindparam("most", type_=Integer))
)
_ENDED: Final = Statement.of(
    select(service_health.c.service)
    .join(services)
    .where(
        ~_AFFECTED,
        _IN_MAINTENANCE,
        ~exists().where(
            service_reports.c.service == service_health.c.service,
            service_reports.c.status == literal_column(f"'{ServiceStatus.MAINTENANCE}'"),
        ),
    )
    .limit(bindparam("most", type_=Integer))
)
_LOCK: Final = Statement.of(
    update(service_health)
    .where(
        service_health.c.service
        == select(service_health.c.service)
        .where(service_health.c.service == bindparam("service_path"))
        .with_for_update(skip_locked=True)
        .scalar_subquery()
    )
    .values(reported_at=func.greatest(service_health.c.reported_at, func.clock_timestamp()))
    .returning(service_health)
)


async def follow_all_windows(database: Database) -> int:
    """Update every service for which a window started or ended; return how many were looked at.

    Each service has its own transaction. Servers share the work: they skip locked services.
    """
    [clock] = await database.rows(_NOW)
    windows = await read_windows(database, clock["now"])
    active = [each for each in windows if each.state_at(clock["now"]) is WindowState.ACTIVE]
    changed = 0
    for path in await _find_changed(database, active):
        async with database.transaction() as session:
            await lock_tickets_shared(session)
            row = await session.row(_LOCK, service_path=path)
            if row is not None:
                windows_of = await windows_of_service(session, path, row["since"])
                await follow_windows(session, row, windows_of)
                changed += 1
    return changed


async def _find_changed(database: Database, active: Sequence[MaintenanceWindow]) -> list[str]:
    """Return services whose status does not fit the active windows."""
    scopes = {
        "paths": sorted({path for each in active for path in each.services}),
        "groups": sorted({group for each in active for group in each.groups}),
        "most": _BATCH_SERVICES,
    }
    ended = await database.rows(_ENDED, **scopes)
    started = await database.rows(_STARTED, **scopes) if active else []
    return sorted({row["service"] for row in (*ended, *started)})
