"""Missed targets, noted in the histories; and due times, brought up to date after transitions.

Every server does it all the time, in batches: see `engine.storage.sla.batch`.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import bindparam, update

from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.rows import ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets
from engine.storage.resources.plugins import TICKETING_ENABLED
from engine.storage.sla.batch import BATCH_TICKETS, BY_NOW, LOCKED_TICKETS, run_in_batches
from engine.storage.tickets.sla_columns import SLA_COLUMNS, sla_columns
from engine.storage.tickets.writer import Append, append_to_histories, new_values
from engine.tickets.changes import breach_changes, build_entries
from engine.tickets.history import Entry
from engine.tickets.sla_timers import build_timers
from engine.tickets.system_actor import SYSTEM_ACTOR

SWEPT: Final = LOCKED_TICKETS.where(TICKETING_ENABLED)
STALE: Final = Statement.of(
    SWEPT.where(tickets.c.sla_version != tickets.c.version).order_by(tickets.c.updated_at)
)
DUE: Final = Statement.of(
    SWEPT.where(tickets.c.next_due_at < BY_NOW).order_by(tickets.c.next_due_at)
)
REFRESH: Final = Statement.of(
    update(tickets)
    .where(tickets.c.id == bindparam("refreshed"))
    .values({column: bindparam(f"new_{column}") for column in SLA_COLUMNS})
)


async def sweep_due_times(
    database: Database, as_of: datetime | None = None, most: int = BATCH_TICKETS
) -> int:
    """Note every breach there is, and refresh what is stale; return how many tickets were swept.

    Args:
        database: where; nothing is done while ticketing is switched off.
        as_of: as if it were that time; None for the time that it is.
        most: tickets in one transaction.

    """
    sweeps = (partial(sweep_batch, statement=each, as_of=as_of) for each in (STALE, DUE))
    return sum([await run_in_batches(database, each, most) for each in sweeps])


async def sweep_batch(
    session: Session, most: int, statement: Statement, as_of: datetime | None
) -> int:
    """Sweep up to so many tickets; return how many there were."""
    rows = await session.rows(statement, as_of=as_of, most=most)
    if rows:
        await sweep(session, rows)
    return len(rows)


async def sweep(session: Session, rows: Sequence[Row]) -> None:
    """Note the breaches of locked tickets, and bring their due times up to date."""
    told = await read_histories(session, [row["id"] for row in rows])
    additions = [addition_to(row, told[row["id"]]) for row in rows]
    await append_to_histories(session, [each for each in additions if each.entries], told)
    fresh = [each.ticket.id for each in additions if not each.entries]
    columns = [new_values(sla_columns(told[id_])) | {"refreshed": id_} for id_ in fresh]
    await session.run_each(REFRESH, columns)


def addition_to(row: Row, history: Sequence[Entry]) -> Append:
    """Return the entries that note the breaches of a locked ticket; maybe none."""
    ticket, sla, now = ticket_of(row), build_timers(history), row["now"]
    changes = breach_changes(sla, now) if sla else ()
    entries = build_entries(ticket, changes, SYSTEM_ACTOR, now, row["revision"])
    return Append(ticket, row["head_digest"], entries)
