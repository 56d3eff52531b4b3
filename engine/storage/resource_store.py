"""Declared resources on PostgreSQL: what is in force, what was, and who changed it when."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from hashlib import sha256
from typing import Any, Final

from sqlalchemy import (
    ClauseElement,
    Select,
    Table,
    Text,
    bindparam,
    cast,
    func,
    insert,
    literal_column,
    null,
    select,
    text,
    union_all,
    update,
)
from sqlalchemy.dialects.postgresql import Insert
from sqlalchemy.dialects.postgresql import insert as insert_or

from engine.errors import LockHeld, PlanApplied
from engine.storage.database import Database, Row, Session
from engine.storage.statements import Statement
from engine.storage.tables import (
    calendars,
    catalog_categories,
    catalog_items,
    reconciliations,
    services,
    settings,
    workflow_revisions,
    workflows,
)
from engine.storage.ticket_locks import hold_tickets
from engine.workflows.compiler import compile_workflow
from engine.workflows.declaration import CatalogItem
from engine.workflows.resources import Key, Kind, Resource

RECONCILE_LOCK: Final = 0x17E410D
"""The advisory lock of whoever reconciles; one at a time."""
HOLDER_PREFIX: Final = "interlock reconcile: "

TABLES: Final = {
    Kind.CATEGORY: catalog_categories,
    Kind.CALENDAR: calendars,
    Kind.ITEM: catalog_items,
    Kind.SERVICE: services,
    Kind.SETTING: settings,
}
"""The table of each kind, workflows aside: a row of theirs points at its revision."""


@dataclass(frozen=True, slots=True)
class Touch:
    """Who last changed a resource, when, and where the declaration came from."""

    at: datetime
    by: str
    source: str


@dataclass(frozen=True, slots=True)
class Live:
    """What the database holds, retired resources included.

    Attributes:
        resources: everything that was ever declared, as it stands.
        touches: who last changed each of them.

    """

    resources: dict[Key, Resource]
    touches: dict[Key, Touch]


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


async def read_live(database: Database | Session) -> Live:
    """Return what the database holds, all of it at one moment."""
    live = Live({}, {})
    for row in await database.rows(READ):
        key = Key(Kind(row["kind"]), row["name"])
        live.resources[key] = Resource(key, row["declaration"], retired=row["retired"])
        live.touches[key] = Touch(row["applied_at"], row["applied_by"], row["source"])
    return live


# --- writing ------------------------------------------------------------------------------------

TRY_LOCK: Final = Statement.of(
    select(func.pg_try_advisory_xact_lock(RECONCILE_LOCK).label("taken"))
)
WAIT_FOR_LOCK: Final = Statement.of(select(func.pg_advisory_xact_lock(RECONCILE_LOCK)))
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
    ).bindparams(lock=RECONCILE_LOCK)
)
RECORD: Final = Statement.of(
    insert_or(reconciliations)
    .values(
        plan_id=bindparam("plan_id"),
        plan=bindparam("plan"),
        applied_by=bindparam("applied_by"),
        source=bindparam("source"),
    )
    .on_conflict_do_nothing()
    .returning(reconciliations.c.id)
)
APPLIED: Final = Statement.of(
    select(reconciliations).where(reconciliations.c.plan_id == bindparam("applied_plan"))
)


@asynccontextmanager
async def reconciling(database: Database, by: str, *, wait: bool) -> AsyncIterator[Session]:
    """Have the declared resources and all tickets to oneself; commit at the end of the block.

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
        elif not (await single(session, TRY_LOCK))["taken"]:
            raise lock_held(await session.row(HOLDER))
        await hold_tickets(session)
        yield session


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


async def record_reconciliation(
    session: Session, plan_id: str, plan: str, *, by: str, source: str
) -> int:
    """Write a plan (JSON) into the ledger and return its number.

    Raises:
        PlanApplied: it stands there already.

    """
    values = {"plan_id": plan_id, "plan": plan, "applied_by": by, "source": source}
    row = await session.row(RECORD, **values)
    if row is not None:
        number: int = row["id"]
        return number
    first = await single(session, APPLIED, applied_plan=plan_id)
    at = first["applied_at"].isoformat(timespec="seconds")
    raise PlanApplied(
        f"This plan was applied already: by {first['applied_by']} at {at}. Make a new one.",
        plan=plan_id,
        applied_by=first["applied_by"],
        applied_at=at,
    )


async def single(session: Session, statement: Statement, **values: object) -> Row:
    """Return the row of a statement that always answers one."""
    row = await session.row(statement, **values)
    if row is None:
        raise LookupError(statement.sql)
    return row


async def write_resource(
    session: Session, before: Resource | None, after: Resource, reconciliation: int
) -> None:
    """Put a resource in force as it is, or retire it."""
    if after.key.kind is Kind.WORKFLOW:
        await write_workflow(session, before, after, reconciliation)
        return
    values = columns_of(after) | {
        "declaration": after.declaration,
        "reconciliation": reconciliation,
    }
    statement = put_statement(after.key.kind, retired=after.retired)
    await session.run(statement, **{f"new_{name}": value for name, value in values.items()})


def columns_of(resource: Resource) -> dict[str, object]:
    """Return the columns by which a resource is found."""
    if isinstance(resource.model, CatalogItem):
        item = resource.model
        return {"name": item.name, "category": item.category, "workflow": item.workflow}
    key = next(iter(TABLES[resource.key.kind].primary_key.columns))
    return {key.name: resource.key.name}


@cache
def put_statement(kind: Kind, *, retired: bool) -> Statement:
    """Return the statement that writes a resource of a kind, declared or retired."""
    table = TABLES[kind]
    columns = [column.name for column in table.columns if column.name != "retired_at"]
    return Statement.of(put(table, columns, retired=retired))


def now() -> ClauseElement:
    """Return the moment of the database's clock."""
    return func.clock_timestamp()


def put(table: Table, columns: list[str], *, retired: bool) -> Insert:
    """Return an upsert of these columns (parameters `new_…`), declared or retired."""
    values: dict[str, ClauseElement] = {name: bindparam(f"new_{name}") for name in columns}
    retirement: dict[str, ClauseElement] = {"retired_at": now() if retired else null()}
    return (
        insert_or(table)
        .values(values | retirement)
        .on_conflict_do_update(index_elements=list(table.primary_key), set_=values | retirement)
    )


# --- workflows ----------------------------------------------------------------------------------

WORKFLOW_COLUMNS: Final = [
    *("name", "display_name", "policy", "revision"),
    *("auto_close", "reconciliation"),
]
REVISE: Final = Statement.of(
    insert(workflow_revisions)
    .values(
        {
            name: bindparam(name)
            for name in ("workflow", "declaration", "digest", "policy", "reconciliation")
        }
    )
    .returning(workflow_revisions.c.id)
)
ENFORCE: Final = Statement.of(put(workflows, WORKFLOW_COLUMNS, retired=False))
RETIRE: Final = Statement.of(
    update(workflows)
    .where(workflows.c.name == bindparam("retiring"))
    .values(retired_at=now(), reconciliation=bindparam("by_reconciliation"))
)


async def write_workflow(
    session: Session, before: Resource | None, after: Resource, reconciliation: int
) -> None:
    """Write a new revision of a workflow and put it in force, or retire the one that is."""
    if after.retired and before is not None:
        await session.run(RETIRE, retiring=after.key.name, by_reconciliation=reconciliation)
        return
    compiled, auto_close = compile_workflow(after.workflow), after.workflow.auto_close
    revision = await single(
        session,
        REVISE,
        workflow=compiled.name,
        declaration=after.declaration,
        digest=sha256(after.declaration.encode()).digest(),
        policy=compiled.policy,
        reconciliation=reconciliation,
    )
    await session.run(
        ENFORCE,
        new_name=compiled.name,
        new_display_name=compiled.display_name,
        new_policy=compiled.policy,
        new_revision=revision["id"],
        new_auto_close=auto_close and auto_close.after_resolved,
        new_reconciliation=reconciliation,
    )
