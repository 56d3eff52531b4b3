"""The log of all histories, each entry with the ticket around it."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, select

from engine.storage.history.log import LogEntry, Position, read_log
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.rows import entry_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history
from engine.tickets.change_filter import TicketChange, ticket_changes
from engine.tickets.history import Entry
from engine.tickets.ticket import Ticket

OF_TICKETS: Final = (
    select(ticket_status_history)
    .where(ticket_status_history.c.ticket == func.any(bindparam("tickets", type_=ARRAY(Text))))
    .order_by(ticket_status_history.c.ticket, ticket_status_history.c.seq)
)
HISTORIES: Final = Statement.of(OF_TICKETS)


@dataclass(frozen=True, slots=True)
class LoggedChange:
    """A change, and where to go on in the log after it."""

    position: Position
    change: TicketChange


async def changes_after(
    source: Database | Session, position: Position, limit: int
) -> list[LoggedChange]:
    """Return the changes that come next in the log, at most `limit`; none if there is no news."""
    page = await read_log(source, position, limit)
    changes = {
        (change.entry.ticket, change.entry.seq): change
        for ticket, entries in (await up_to_now(source, page)).values()
        for change in ticket_changes(ticket, entries)
    }
    return [
        LoggedChange(each.position, changes[each.entry.ticket, each.entry.seq]) for each in page
    ]


async def up_to_now(
    source: Database | Session, page: list[LogEntry]
) -> dict[str, tuple[Ticket, list[Entry]]]:
    """Return each ticket of a page with its entries from the first in the page to the latest."""
    tickets = {each.ticket.id: each.ticket for each in page}
    entries: defaultdict[str, list[Entry]] = defaultdict(list)
    for each in page:
        entries[each.ticket.id].append(each.entry)
    behind = [
        ticket.id for ticket in tickets.values() if entries[ticket.id][-1].seq < ticket.version
    ]
    later = await read_histories(source, behind) if behind else {}
    for ticket, history in later.items():
        last = entries[ticket][-1].seq
        entries[ticket] += [e for e in history if last < e.seq <= tickets[ticket].version]
    return {name: (ticket, entries[name]) for name, ticket in tickets.items()}


async def read_histories(
    source: Database | Session, tickets: Sequence[str]
) -> dict[str, list[Entry]]:
    """Return the whole history of each of these tickets, oldest entry first."""
    found: dict[str, list[Entry]] = {ticket: [] for ticket in tickets}
    for row in await source.rows(HISTORIES, tickets=list(tickets)):
        found[row["ticket"]].append(entry_of(row))
    return found
