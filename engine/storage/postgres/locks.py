"""Locks on the table of tickets: many transactions change tickets, or one changes their rules.

A transaction that changes tickets takes the shared lock before it reads the rules (declarations and
plugins). A transaction that changes the rules takes the exclusive lock. So every change of a ticket
follows the rules that are active when it commits.
"""

from typing import Final

from sqlalchemy import text

from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement

LOCK_SHARED: Final = Statement.of(text("LOCK TABLE tickets IN ROW EXCLUSIVE MODE"))
_LIMIT_WAIT: Final = Statement.of(text("SET LOCAL lock_timeout = '5s'"))
"""Short, because all changes of tickets queue behind a transaction that waits for this lock."""
_LOCK_EXCLUSIVE: Final = Statement.of(text("LOCK TABLE tickets IN EXCLUSIVE MODE"))


async def lock_tickets_shared(session: Session) -> None:
    """Keep the rules unchanged until the transaction ends."""
    await session.run(LOCK_SHARED)


async def lock_tickets_exclusive(session: Session) -> None:
    """Prevent other transactions from changing tickets until this one ends.

    The transaction ends with `Unavailable` if others hold the shared lock for too long.
    """
    await session.run(_LIMIT_WAIT)
    await session.run(_LOCK_EXCLUSIVE)
