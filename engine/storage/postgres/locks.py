"""Who may change tickets at the same time: many writers, or one who changes their rules.

A writer takes its lock before it reads what the rules are, and holds it until it commits; whoever
changes the rules holds all tickets meanwhile. So every change is judged by the rules that are in
force when it commits.
"""

from typing import Final

from sqlalchemy import text

from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement

LOCK_SHARED: Final = Statement.of(text("LOCK TABLE tickets IN ROW EXCLUSIVE MODE"))
PATIENCE: Final = Statement.of(text("SET LOCAL lock_timeout = '5s'"))
"""Whoever changes a ticket queues behind one who waits for all tickets, so the wait is short."""
HOLD: Final = Statement.of(text("LOCK TABLE tickets IN EXCLUSIVE MODE"))


async def lock_tickets_shared(session: Session) -> None:
    """Keep the rules as they are until the transaction ends, beside other writers of tickets."""
    await session.run(LOCK_SHARED)


async def lock_tickets_exclusive(session: Session) -> None:
    """Keep everybody else from creating or changing tickets until the transaction ends.

    Raises:
        Unavailable: writers were busy for too long (when the transaction's block is left).

    """
    await session.run(PATIENCE)
    await session.run(HOLD)
