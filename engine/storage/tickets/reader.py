"""Read tickets, their earlier versions and their SLA timers."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, literal_column, select

from engine.errors import NotFound
from engine.storage.history.changes import ENTRIES_OF_TICKETS
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.rows import TICKET_COLUMNS, entry_of, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ID, ticket_status_history, tickets
from engine.storage.tickets.visibility import GuardedStatement, viewer_parameters
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_timers import TIMER_KINDS, SlaTimers, build_timers
from engine.tickets.ticket import TICKET_ID_PATTERN, Ticket, rebuild_ticket
from engine.tickets.viewer import Viewer

READ_TICKET: Final = GuardedStatement.of(
    select(*TICKET_COLUMNS).where(tickets.c.id == bindparam("ticket"))
)
_IDS_FROM: Final = GuardedStatement.of(
    select(tickets.c.id)
    .where(
        tickets.c.id >= bindparam("beginning", type_=ID),
        tickets.c.id < bindparam("below", type_=ID),
    )
    .order_by(tickets.c.id)
    .limit(literal_column("2"))
)
_CLOCK: Final = Statement.of(select(func.clock_timestamp().label("now")))
_TIMER_ENTRIES: Final = Statement.of(
    ENTRIES_OF_TICKETS.where(
        ticket_status_history.c.kind == func.any(bindparam("kinds", type_=ARRAY(Text)))
    )
)
_FIRST_ENTRIES: Final = Statement.of(
    select(ticket_status_history)
    .where(
        ticket_status_history.c.ticket == bindparam("ticket_id"),
        ticket_status_history.c.seq <= bindparam("last"),
    )
    .order_by(ticket_status_history.c.seq)
)


async def read_ticket(database: Database, viewer: Viewer, ticket: str) -> Ticket:
    """Return a ticket. What cannot be a ticket id is not sent to the database.

    Raises:
        NotFound: the ticket does not exist, or the viewer cannot read it.

    """
    if TICKET_ID_PATTERN.fullmatch(ticket):
        parameters = viewer_parameters(viewer)
        row = await database.row(READ_TICKET.for_viewer(viewer), ticket=ticket, **parameters)
        if row is not None:
            return ticket_of(row)
    raise ticket_not_found(ticket)


async def find_only_id(database: Database, viewer: Viewer, beginning: str) -> str | None:
    """Return the id that begins with a text, or that is equal to it.

    None if the viewer can read no such ticket, or several ones.
    """
    parameters = viewer_parameters(viewer)
    below = f"{beginning}g"  # after the last hexadecimal digit
    rows = await database.rows(
        _IDS_FROM.for_viewer(viewer), beginning=beginning, below=below, **parameters
    )
    ids: list[str] = [row["id"] for row in rows]
    return ids[0] if len(ids) == 1 or beginning in ids else None


def ticket_not_found(ticket: str) -> NotFound:
    """Return the error for a ticket that does not exist or that the viewer cannot read."""
    return NotFound(f"There is no ticket {ticket!r}.", ticket=ticket)


async def read_version(source: Database | Session, ticket: str, version: int) -> Ticket:
    """Return a ticket as it was in an earlier version."""
    rows = await source.rows(_FIRST_ENTRIES, ticket_id=ticket, last=version)
    return rebuild_ticket(map(entry_of, rows))


async def read_clock(database: Database) -> datetime:
    """Return the time of the database's clock, which sets all timestamps."""
    [row] = await database.rows(_CLOCK)
    now: datetime = row["now"]
    return now


async def read_timers(database: Database, tickets: Sequence[Ticket]) -> dict[str, SlaTimers | None]:
    """Return the SLA timers of tickets, each at the version of the given ticket."""
    versions = {ticket.id: ticket.version for ticket in tickets}
    entries: dict[str, list[Entry]] = {ticket: [] for ticket in versions}
    kinds = sorted({EntryKind.CREATED, *TIMER_KINDS})
    for row in await database.rows(_TIMER_ENTRIES, tickets=list(versions), kinds=kinds):
        entry = entry_of(row)
        if entry.seq <= versions[entry.ticket]:
            entries[entry.ticket].append(entry)
    return {ticket: build_timers(history) for ticket, history in entries.items()}
