"""Tickets that are worked on by the system, in batches.

Every server does it all the time. A ticket is locked before its history is read, and what another
has locked is passed over, so nothing is done twice; whoever dies on the way has done nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from sqlalchemy import Integer, Select, bindparam, func, select

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.tables import TIMESTAMP, tickets, workflows

BATCH_TICKETS: Final = 500

AS_OF: Final = bindparam("as_of", type_=TIMESTAMP)
"""The time as if it were that; null for the time that it is."""
BY_NOW: Final = func.coalesce(AS_OF, func.now())
"""The start of the transaction: an index can't be asked for what clock_timestamp() tells."""
LOCKED_TICKETS: Final[Select[*tuple[object, ...]]] = (
    select(
        tickets,
        workflows.c.revision,
        func.coalesce(AS_OF, func.clock_timestamp()).label("now"),
    )
    .join(workflows)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(of=tickets, skip_locked=True)
)
"""Up to so many tickets; which ones is for whoever takes them to say."""


Batch: TypeAlias = Callable[[Session, int], Awaitable[int]]
"""Works on up to so many tickets in a transaction; returns how many there were."""


async def run_in_batches(database: Database, do: Batch, most: int) -> int:
    """Do batches of `most` tickets until one is smaller; return how many tickets it were."""
    done, count = 0, most
    while count == most:
        async with database.transaction() as session:
            count = await do(session, most)
        done += count
    return done
