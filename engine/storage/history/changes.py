"""Read histories, and the changes that follow a position in the log."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, select

from engine.storage.history.log import LogEntry, read_log
from engine.storage.history.position import Position
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.rows import entry_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history
from engine.tickets.change_filter import ticket_states
from engine.tickets.history import Entry
from engine.tickets.ticket import Ticket

ENTRIES_OF_TICKETS: Final = (
    select(ticket_status_history)
    .where(ticket_status_history.c.ticket == func.any(bindparam("tickets", type_=ARRAY(Text))))
    .order_by(ticket_status_history.c.ticket, ticket_status_history.c.seq)
)
_HISTORIES: Final = Statement.of(ENTRIES_OF_TICKETS)


async def changes_after(
    source: Database | Session, position: Position, limit: int
) -> list[tuple[LogEntry, Ticket | None, Ticket]]:
    """Return the next entries of the log, each with the ticket right before and right after it.

    The list has at most `limit` entries, and is empty at the end of the log.

    Raises:
        PositionLost, Unavailable: as `read_log`.

    """
    page = await read_log(source, position, limit)
    states = {
        (entry.ticket, entry.seq): (before, after)
        for ticket, entries in await _latest_entries(source, page)
        for entry, before, after in ticket_states(ticket, entries)
    }
    return [(each, *states[each.entry.ticket, each.entry.seq]) for each in page]


async def _latest_entries(
    source: Database | Session, page: list[LogEntry]
) -> list[tuple[Ticket, list[Entry]]]:
    """Return each ticket of a page of the log with its entries from the page to its version."""
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
    return [(ticket, entries[name]) for name, ticket in tickets.items()]


async def read_histories(
    source: Database | Session, tickets: Sequence[str]
) -> dict[str, list[Entry]]:
    """Return the whole history of each ticket, oldest entry first."""
    histories: dict[str, list[Entry]] = {ticket: [] for ticket in tickets}
    for row in await source.rows(_HISTORIES, tickets=list(tickets)):
        histories[row["ticket"]].append(entry_of(row))
    return histories
