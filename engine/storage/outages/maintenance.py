"""Maintenance windows: those that values declare, and those that were requested with an API key."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from hashlib import sha256
from secrets import token_hex
from typing import Final

from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from engine.declaration.status_page_models import MaintenancePlan
from engine.errors import IdempotencyConflict, InvalidInput, NotFound
from engine.outages.maintenance import (
    MaintenanceWindow,
    NewWindow,
    check_known,
    declared_window,
)
from engine.resources.resource import MAINTENANCE
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    maintenance_windows,
    reconciliations,
    service_group,
    services,
    settings,
)

_ID_BYTES: Final = 12
_WINDOWS_MOST: Final = 10_000
"""More windows that have not ended are not read."""

ALL_TIME: Final = datetime(1, 1, 1, tzinfo=UTC)
"""Before the end of every window."""
_NOW: Final = Statement.of(select(func.clock_timestamp().label("now")))
_DECLARED: Final = Statement.of(
    select(cast(settings.c.declaration, Text).label("declaration"), reconciliations.c.applied_at)
    .join(reconciliations, reconciliations.c.id == settings.c.reconciliation)
    .where(settings.c.name == literal_column(f"'{MAINTENANCE}'"), settings.c.retired_at.is_(None))
)
_REQUESTED: Final = Statement.of(
    select(maintenance_windows)
    .where(maintenance_windows.c.ends_at > bindparam("after", type_=DateTime(timezone=True)))
    .order_by(maintenance_windows.c.starts_at.desc(), maintenance_windows.c.id)
    .limit(bindparam("most", type_=Integer))
)
_INSERT: Final = Statement.of(
    insert(maintenance_windows)
    .values({each.name: bindparam(each.name, type_=each.type) for each in maintenance_windows.c})
    .on_conflict_do_nothing(
        index_elements=[maintenance_windows.c.requested_by, maintenance_windows.c.idempotency_key]
    )
    .returning(maintenance_windows)
)
_BY_KEY: Final = Statement.of(
    select(maintenance_windows)
    .where(
        maintenance_windows.c.requested_by == bindparam("key_name"),
        maintenance_windows.c.idempotency_key == bindparam("once"),
    )
    .with_for_update(read=True, key_share=True)
)
"""Locks the window, for the same reason as `tickets/idempotency.py` locks the key."""
_CANCEL: Final = Statement.of(
    update(maintenance_windows)
    .where(maintenance_windows.c.id == bindparam("window"))
    .values(
        cancelled_at=func.coalesce(maintenance_windows.c.cancelled_at, func.clock_timestamp()),
        cancelled_by=func.coalesce(maintenance_windows.c.cancelled_by, bindparam("key_name")),
    )
    .returning(maintenance_windows)
)
_KNOWN_GROUPS: Final = Statement.of(
    select(service_group.label("name"))
    .where(
        services.c.retired_at.is_(None),
        service_group == func.any(bindparam("names", type_=ARRAY(Text))),
    )
    .distinct()
)
_KNOWN_SERVICES: Final = Statement.of(
    select(services.c.path.label("name")).where(
        services.c.retired_at.is_(None),
        services.c.path == func.any(bindparam("names", type_=ARRAY(Text))),
    )
)
_GROUP: Final = Statement.of(
    select(service_group.label("sla_group")).where(services.c.path == bindparam("service_path"))
)


async def read_windows(
    source: Database | Session, after: datetime, most: int = _WINDOWS_MOST
) -> list[MaintenanceWindow]:
    """Return the windows that end after a time, declared and requested ones, the latest first."""
    requested = [_window_of(row) for row in await source.rows(_REQUESTED, after=after, most=most)]
    row = await source.row(_DECLARED)
    declared = () if row is None else _parse_declared(row["declaration"], row["applied_at"])
    found = [*requested, *(each for each in declared if each.end > after)]
    return sorted(found, key=lambda each: (each.start, each.id), reverse=True)[:most]


async def windows_of_service(
    session: Session, path: str, after: datetime
) -> list[MaintenanceWindow]:
    """Return the windows that affect a service and end after a time."""
    windows = await read_windows(session, after)
    if not windows:
        return []
    row = await session.row(_GROUP, service_path=path)
    group = "" if row is None else row["sla_group"]
    return [each for each in windows if each.affects(path, group)]


async def schedule_window(
    database: Database, window: NewWindow, key_name: str, idempotency_key: str | None
) -> MaintenanceWindow:
    """Store a window, or return the one that the first request with the same key stored.

    Raises:
        InvalidInput: the window is over, or names an unknown group or service.
        IdempotencyConflict: the idempotency key belongs to another window.

    """
    digest = sha256(window.model_dump_json().encode()).digest()
    async with database.transaction() as session:
        if idempotency_key is not None:
            first = await session.row(_BY_KEY, key_name=key_name, once=idempotency_key)
            if first is not None:
                return _same_request(first, digest)
        row = await _insert(session, window, key_name, idempotency_key, digest)
        if row is not None:
            return _window_of(row)
    # Another request with the same key was stored meanwhile.
    [first] = await database.rows(_BY_KEY, key_name=key_name, once=idempotency_key)
    return _same_request(first, digest)


async def _insert(
    session: Session, window: NewWindow, key_name: str, idempotency_key: str | None, digest: bytes
) -> Row | None:
    """Store a window; return None if there is one with the same idempotency key."""
    groups = await session.rows(_KNOWN_GROUPS, names=list(window.groups))
    paths = await session.rows(_KNOWN_SERVICES, names=list(window.services))
    check_known(window, [row["name"] for row in groups], [row["name"] for row in paths])
    [clock] = await session.rows(_NOW)
    if window.end <= clock["now"]:
        raise InvalidInput("The maintenance window is over; it must end in the future.")
    return await session.row(
        _INSERT,
        id=f"mw_{token_hex(_ID_BYTES)}",
        starts_at=max(window.start, clock["now"]),
        ends_at=window.end,
        groups=sorted({*window.groups}),
        services=sorted({*window.services}),
        text=window.text,
        requested_at=clock["now"],
        requested_by=key_name,
        idempotency_key=idempotency_key,
        request=digest,
        cancelled_at=None,
        cancelled_by=None,
    )


async def cancel_window(database: Database, window: str, key_name: str) -> MaintenanceWindow:
    """End a window that was requested with an API key; a second cancellation changes nothing.

    Raises:
        NotFound: no such window was requested. Remove a declared window from the values.

    """
    row = await database.row(_CANCEL, window=window, key_name=key_name)
    if row is None:
        raise NotFound(
            f"There is no requested maintenance window {window!r}. A declared one is removed in the"
            " values.",
            window=window,
        )
    return _window_of(row)


def _same_request(first: Row, digest: bytes) -> MaintenanceWindow:
    if first["request"] != digest:
        raise IdempotencyConflict(
            f"You used the idempotency key {first['idempotency_key']!r} for another maintenance"
            " window; use a new key for a new window.",
            window=first["id"],
        )
    return _window_of(first)


def _window_of(row: Row) -> MaintenanceWindow:
    cancelled = row["cancelled_at"]
    return MaintenanceWindow(
        start=row["starts_at"],
        end=row["ends_at"] if cancelled is None else min(row["ends_at"], cancelled),
        id=row["id"],
        groups=tuple(row["groups"]),
        services=tuple(row["services"]),
        text=row["text"],
        cancelled_at=cancelled,
    )


@lru_cache(maxsize=1)
def _parse_declared(declaration: str, applied_at: datetime) -> Sequence[MaintenanceWindow]:
    plan = MaintenancePlan.model_validate(json.loads(declaration))
    return tuple(declared_window(each, applied_at) for each in plan.windows)
