"""Records breaches, and updates due times after transitions; runs periodically on every server."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Final, NamedTuple

from sqlalchemy import bindparam, update

from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.rows import ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets
from engine.storage.resources.plugins import TICKETING_ENABLED
from engine.storage.sla.batch import (
    BATCH_TICKETS,
    BY_NOW,
    LOCKED_TICKETS,
    Batch,
    run_in_batches,
)
from engine.storage.tickets.sla_columns import sla_columns
from engine.storage.tickets.writer import Append, append_to_histories, new_values
from engine.tickets.changes import breach_changes, build_entries
from engine.tickets.history import Entry
from engine.tickets.sla_timers import SLA_COLUMNS, build_timers
from engine.tickets.system_actor import SYSTEM_ACTOR

BreachCounts = Counter[str]
"""How many breaches were recorded, by SLA target."""

_ENABLED: Final = LOCKED_TICKETS.where(TICKETING_ENABLED)
_STALE: Final = Statement.of(
    _ENABLED.where(tickets.c.sla_version != tickets.c.version).order_by(tickets.c.updated_at)
)
_DUE: Final = Statement.of(
    _ENABLED.where(tickets.c.next_due_at < BY_NOW).order_by(tickets.c.next_due_at)
)
_REFRESH: Final = Statement.of(
    update(tickets)
    .where(tickets.c.id == bindparam("refreshed"))
    .values({column: bindparam(f"new_{column}") for column in SLA_COLUMNS})
)


async def sweep_due_times(
    database: Database,
    as_of: datetime | None = None,
    most: int = BATCH_TICKETS,
    counts: BreachCounts | None = None,
) -> int:
    """Record all breaches and update all stale due times; return the number of tickets.

    Nothing happens while ticketing is switched off.

    Args:
        database: the database of the tickets.
        as_of: replaces the current time.
        most: the size of a batch.
        counts: counts the breaches that are recorded.

    Raises:
        ExceptionGroup: some tickets failed; all others are up to date.

    """
    counts = BreachCounts() if counts is None else counts
    sweeps = [_Sweep(statement, as_of, counts) for statement in (_STALE, _DUE)]
    outcomes = [await run_in_batches(database, each.prepare, most) for each in sweeps]
    if failures := [failure for each in outcomes for failure in each.failures]:
        raise ExceptionGroup("The due times of some tickets could not be updated", failures)
    return sum(each.tickets for each in outcomes)


class _Sweep(NamedTuple):
    """The tickets of a statement, and what counts their breaches."""

    statement: Statement
    as_of: datetime | None
    counts: BreachCounts

    async def prepare(self, session: Session, most: int, skipped: Sequence[str]) -> Batch:
        rows = await session.rows(self.statement, as_of=self.as_of, most=most, skipped=skipped)
        found = BreachCounts()
        count = partial(self.counts.update, found)
        return Batch(rows, partial(_sweep, session, rows, found), count)


async def _sweep(session: Session, rows: Sequence[Row], counts: BreachCounts) -> None:
    histories = await read_histories(session, [row["id"] for row in rows])
    appends = [_breaches(row, histories[row["id"]]) for row in rows]
    await append_to_histories(session, [each for each in appends if each.entries], histories)
    counts.update(str(entry.new_value) for each in appends for entry in each.entries)
    unchanged = [each.ticket.id for each in appends if not each.entries]
    columns = [new_values(sla_columns(histories[id_])) | {"refreshed": id_} for id_ in unchanged]
    await session.run_each(_REFRESH, columns)


def _breaches(row: Row, history: Sequence[Entry]) -> Append:
    """Return the entries, possibly none, that record the breaches of a locked ticket."""
    ticket, timers, now = ticket_of(row), build_timers(history), row["now"]
    changes = breach_changes(timers, now) if timers else ()
    entries = build_entries(ticket, changes, SYSTEM_ACTOR, now, row["revision"])
    return Append(ticket, row["head_digest"], entries)
