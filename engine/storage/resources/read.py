"""Declared resources on PostgreSQL: what is in force, and who changed it when."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, Final

from sqlalchemy import (
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    text,
    union_all,
)

from engine.errors import LockHeld
from engine.gc_pause import gc_paused
from engine.resources.resource import Key, Kind, LastChange, LiveResources, Resource
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    calendars,
    catalog_categories,
    catalog_items,
    reconciliations,
    services,
    settings,
    webhooks,
    workflow_revisions,
    workflows,
)

RECONCILIATION_LOCK: Final = 0x17E410D
"""The advisory lock of whoever reconciles; one at a time."""
HOLDER_PREFIX: Final = "interlock reconcile: "

TABLES: Final = {
    Kind.CATEGORY: catalog_categories,
    Kind.CALENDAR: calendars,
    Kind.ITEM: catalog_items,
    Kind.SERVICE: services,
    Kind.WEBHOOK: webhooks,
    Kind.SETTING: settings,
}
"""The table of each kind, workflows aside: a row of theirs points at its revision."""


# --- reading ------------------------------------------------------------------------------------


def live_workflows() -> Select[*tuple[Any, ...]]:
    """Return the rows of workflows, with the declaration of the revision in force."""
    return (
        select(
            literal_column(f"'{Kind.WORKFLOW}'", Text).label("kind"),
            workflows.c.name,
            cast(workflow_revisions.c.declaration, Text).label("declaration"),
            workflows.c.retired_at.is_not(None).label("retired"),
            workflows.c.reconciliation,
        )
        .select_from(workflows)
        .join(workflow_revisions, workflow_revisions.c.id == workflows.c.revision)
    )


def live_rows(kind: Kind, table: Table) -> Select[*tuple[Any, ...]]:
    """Return the rows of another kind."""
    key = next(iter(table.primary_key.columns))
    return select(
        literal_column(f"'{kind}'", Text).label("kind"),
        key.label("name"),
        cast(table.c.declaration, Text).label("declaration"),
        table.c.retired_at.is_not(None).label("retired"),
        table.c.reconciliation,
    )


LIVE: Final = union_all(
    live_workflows(), *(live_rows(kind, table) for kind, table in TABLES.items())
).subquery("live")
READ: Final = Statement.of(
    select(
        LIVE.c.kind,
        LIVE.c.name,
        LIVE.c.declaration,
        LIVE.c.retired,
        reconciliations.c.applied_at,
        reconciliations.c.applied_by,
        reconciliations.c.source,
    ).join(reconciliations, reconciliations.c.id == LIVE.c.reconciliation)
)


async def read_resources(database: Database | Session) -> LiveResources:
    """Return what the database holds, all of it at one moment."""
    return await asyncio.to_thread(live_of, await database.rows(READ))


@gc_paused()
def live_of(rows: Iterable[Row]) -> LiveResources:
    """Return rows as resources, with who touched them last."""
    live = LiveResources({}, {})
    for row in rows:
        key = Key(Kind(row["kind"]), row["name"])
        live.resources[key] = Resource(key, row["declaration"], retired=row["retired"])
        live.last_changes[key] = LastChange(row["applied_at"], row["applied_by"], row["source"])
    return live


# --- reconciling ------------------------------------------------------------------------------

TRY_LOCK: Final = Statement.of(
    select(func.pg_try_advisory_xact_lock(RECONCILIATION_LOCK).label("taken"))
)
WAIT_FOR_LOCK: Final = Statement.of(select(func.pg_advisory_xact_lock(RECONCILIATION_LOCK)))
SIGN: Final = Statement.of(
    select(
        func.set_config("application_name", bindparam("holder", type_=Text), literal_column("true"))
    )
)
HOLDER: Final = Statement.of(
    text(
        "SELECT application_name AS holder, xact_start AS since FROM pg_locks"
        " JOIN pg_stat_activity USING (pid)"
        " WHERE locktype = 'advisory' AND granted AND classid = 0 AND objid = :lock"
        " AND pg_locks.database = (SELECT oid FROM pg_database WHERE datname = current_database())"
    ).bindparams(lock=RECONCILIATION_LOCK)
)


@asynccontextmanager
async def reconciliation_session(
    database: Database, by: str, *, wait: bool
) -> AsyncIterator[Session]:
    """Have the declared resources to oneself; commit at the end of the block.

    Tickets go on being worked on until `hold_tickets`, which comes before anything is written that
    they depend on.

    Args:
        database: where.
        by: who, for those who find it locked.
        wait: wait for another who reconciles, rather than refuse.

    Raises:
        LockHeld: another reconciles.

    """
    async with database.transaction() as session:
        await session.row(SIGN, holder=f"{HOLDER_PREFIX}{by}"[:63])
        if wait:
            await session.row(WAIT_FOR_LOCK)
        elif not await took_lock(session):
            raise lock_held(await session.row(HOLDER))
        yield session


async def took_lock(session: Session) -> bool:
    """Take the lock if nobody has it, and tell whether that was so."""
    [row] = await session.rows(TRY_LOCK)
    taken: bool = row["taken"]
    return taken


def lock_held(holder: Row | None) -> LockHeld:
    """Return the refusal that names who reconciles."""
    if holder is None:
        return LockHeld("Another reconciliation ended just now; try again.")
    who = holder["holder"].removeprefix(HOLDER_PREFIX)
    since = holder["since"].isoformat(timespec="seconds")
    return LockHeld(
        f"{who} has been reconciling since {since}; wait, or try again with --wait.",
        holder=who,
        since=since,
    )
