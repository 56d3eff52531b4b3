"""Periodic work on tickets in batches, shared by all servers.

A ticket is locked before its history is read, and locked tickets are skipped. So no ticket is
processed twice, and an interrupted batch leaves no trace.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple, TypeAlias

from sqlalchemy import ARRAY, Integer, Select, Text, bindparam, func, select

from engine.errors import InterlockError
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.tables import TIMESTAMP, tickets, workflows

BATCH_TICKETS: Final = 500
FAILED_TICKETS_MAX: Final = 100
"""After so many failures, the cause is hardly the tickets, so the run ends."""

Prepare: TypeAlias = Callable[[Session, int, Sequence[str]], Awaitable["Batch"]]

_AS_OF: Final = bindparam("as_of", type_=TIMESTAMP)
"""The time to use instead of the current time, or null."""
BY_NOW: Final = func.coalesce(_AS_OF, func.now())
"""The start of the transaction; clock_timestamp() is volatile, so it cannot use an index."""
LOCKED_TICKETS: Final[Select[*tuple[object, ...]]] = (
    select(
        tickets,
        workflows.c.revision,
        func.coalesce(_AS_OF, func.clock_timestamp()).label("now"),
    )
    .join(workflows)
    .where(tickets.c.id != func.all(bindparam("skipped", type_=ARRAY(Text))))
    .limit(bindparam("most", type_=Integer))
    .with_for_update(of=tickets, skip_locked=True)
)
"""Up to `most` tickets that are neither locked nor `skipped`; the caller adds the condition."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Locked tickets, and what to do with them in the same transaction.

    Attributes:
        rows: the tickets.
        process: processes these tickets.
        after_commit: called once the transaction is committed.

    """

    rows: Sequence[Row]
    process: Callable[[], Awaitable[None]]
    after_commit: Callable[[], None] = lambda: None


class Outcome(NamedTuple):
    """How many tickets were processed, and why others were not."""

    tickets: int
    failures: list[Exception]


async def run_in_batches(database: Database, prepare: Prepare, most: int) -> Outcome:
    """Process batches of `most` tickets, each in a transaction.

    A batch that fails is halved until it is one ticket, which is then skipped. So a ticket that
    cannot be processed does not stop the others.

    Args:
        database: the database of the tickets.
        prepare: locks up to so many tickets, without those to skip.
        most: the size of a batch; a smaller batch is the last one.

    Raises:
        InterlockError: the database is unavailable, or not as this version needs it.

    """
    failures: dict[str, Exception] = {}
    total, size = 0, most
    while len(failures) < FAILED_TICKETS_MAX:
        rows: Sequence[Row] = ()
        try:
            async with database.transaction() as session:
                batch = await prepare(session, size, list(failures))
                rows = batch.rows
                if rows:
                    await batch.process()
        except InterlockError:
            raise
        except Exception as error:
            if not rows:
                raise
            if len(rows) == 1:
                ticket = rows[0]["id"]
                error.add_note(f"The ticket is {ticket}.")
                failures[ticket] = error
            size = max(1, len(rows) // 2)
            continue
        batch.after_commit()
        total += len(rows)
        if len(rows) < size:
            break
        size = min(most, 2 * size)
    return Outcome(total, list(failures.values()))
