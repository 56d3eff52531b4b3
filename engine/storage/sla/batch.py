"""Periodic work on tickets in batches, shared by all servers.

A ticket is locked before its history is read, and locked tickets are skipped. So no ticket is
processed twice, and an interrupted batch leaves no trace.
"""

from collections.abc import Awaitable, Callable
from typing import Final

from sqlalchemy import Integer, Select, bindparam, func, select

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.tables import TIMESTAMP, tickets, workflows

BATCH_TICKETS: Final = 500

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
    .limit(bindparam("most", type_=Integer))
    .with_for_update(of=tickets, skip_locked=True)
)
"""Up to `most` tickets that are not locked; the caller adds the condition."""


async def run_in_batches(
    database: Database, process: Callable[[Session, int], Awaitable[int]], most: int
) -> int:
    """Process batches of `most` tickets, each in a transaction; return the number of tickets.

    Args:
        database: the database of the tickets.
        process: processes up to so many tickets; returns how many there were.
        most: the size of a batch; a smaller batch is the last one.

    """
    total, count = 0, most
    while count == most:
        async with database.transaction() as session:
            count = await process(session, most)
        total += count
    return total
