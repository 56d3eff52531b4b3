"""Entries of transactions that the test ends."""

from engine.storage.postgres.database import Session
from engine.storage.tickets.change import change_ticket, lock_ticket
from engine.tickets.changes import comment_changes
from engine.tickets.commands import CommentTicket
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.personas import MARTON


async def comment_in(session: Session, ticket: Ticket) -> None:
    """Comment on a ticket in a transaction that the caller ends."""
    command = CommentTicket.parse(ticket=ticket.id, text="Looking")
    row = await lock_ticket(session, SYSTEM_VIEWER, command)
    assert row is not None
    await change_ticket(session, row, MARTON, command, comment_changes)
