"""Walk every ticket's history, in constant memory, and find what does not fit."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import func, select

from engine.storage.history.scan import TicketHistory, scan_tickets
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.rows import ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets
from engine.tickets.audit import HistoryFlaw, find_flaw

COUNT: Final = Statement.of(select(func.count().label("tickets")).select_from(tickets))


async def audit_histories(database: Database) -> AsyncIterator[tuple[str, HistoryFlaw | None]]:
    """Yield every ticket's id with the first flaw of its history, in the order of the ids.

    It is done in one snapshot: a change that is made meanwhile is seen whole or not at all.
    """
    async with database.snapshot() as session:
        async for audited in audit_session(session):
            yield audited


async def audit_session(session: Session) -> AsyncIterator[tuple[str, HistoryFlaw | None]]:
    """Do as `audit_histories` does, inside a transaction that sees one state of the database."""
    async for told in scan_tickets(session):
        yield told.id, flaw_of(told)


def flaw_of(told: TicketHistory) -> HistoryFlaw | None:
    """Return the first flaw of a history, if it has one."""
    if told.row is None:
        return HistoryFlaw(told.id, told.history[0].entry.seq, "there is no such ticket")
    return find_flaw(ticket_of(told.row), told.row["head_digest"], told.history)


async def count_tickets(database: Database) -> int:
    """Return how many tickets there are."""
    row = await database.row(COUNT)
    return row["tickets"] if row else 0
