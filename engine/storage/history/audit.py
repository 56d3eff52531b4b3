"""Verify the histories of all tickets, in constant memory."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import func, select

from engine.audit.declared_history import DeclaredHistory
from engine.audit.history import HistoryFlaw, find_flaw
from engine.storage.history.declared import read_declared_history
from engine.storage.history.scan import TicketHistory, scan_tickets
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.rows import ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets

_COUNT: Final = Statement.of(select(func.count().label("tickets")).select_from(tickets))


async def audit_histories(database: Database) -> AsyncIterator[tuple[str, HistoryFlaw | None]]:
    """Yield the id of every ticket with the first flaw of its history, ordered by id.

    All tickets are read in one snapshot, so concurrent changes are seen as a whole or not at all.
    """
    async with database.snapshot() as session:
        async for audited in audit_session(session):
            yield audited


async def audit_session(session: Session) -> AsyncIterator[tuple[str, HistoryFlaw | None]]:
    """Do as `audit_histories` does, in a transaction with a snapshot."""
    declared = await read_declared_history(session)
    async for scanned in scan_tickets(session):
        yield scanned.id, history_flaw(declared, scanned)


def history_flaw(declared: DeclaredHistory, scanned: TicketHistory) -> HistoryFlaw | None:
    """Return the first flaw of a ticket's history; None if it has none."""
    if scanned.row is None:
        seq = scanned.history[0].entry.seq
        return HistoryFlaw(scanned.id, seq, "there is no such ticket")
    ticket, head_digest = ticket_of(scanned.row), scanned.row["head_digest"]
    return find_flaw(declared, ticket, head_digest, scanned.history)


async def count_tickets(source: Database | Session) -> int:
    """Return the number of tickets."""
    [row] = await source.rows(_COUNT)
    count: int = row["tickets"]
    return count
