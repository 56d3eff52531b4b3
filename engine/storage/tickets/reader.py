"""Reading tickets and their histories."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, select

from engine.errors import NotFound
from engine.storage.history.changes import OF_TICKETS
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.rows import TICKET_COLUMNS, entry_of, ticket_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, tickets
from engine.storage.tickets.visibility import GuardedStatement, viewer_parameters
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_timers import TIMER_KINDS, SlaTimers, build_timers
from engine.tickets.ticket import TICKET_ID_PATTERN, Ticket, rebuild_ticket
from engine.tickets.viewer import Viewer

READ_TICKET: Final = GuardedStatement.of(
    select(*TICKET_COLUMNS).where(tickets.c.id == bindparam("ticket"))
)
CLOCK: Final = Statement.of(select(func.clock_timestamp().label("now")))
TIMED: Final = Statement.of(
    OF_TICKETS.where(
        ticket_status_history.c.kind == func.any(bindparam("kinds", type_=ARRAY(Text)))
    )
)
HISTORY_UNTIL: Final = Statement.of(
    select(ticket_status_history)
    .where(
        ticket_status_history.c.ticket == bindparam("ticket_id"),
        ticket_status_history.c.seq <= bindparam("last"),
    )
    .order_by(ticket_status_history.c.seq)
)


async def read_ticket(database: Database, viewer: Viewer, ticket: str) -> Ticket:
    """Return the ticket of that id.

    Raises:
        NotFound: there is none that the viewer may read; PostgreSQL is not asked for what can't be
            an id.

    """
    row = (
        await ticket_row(database, viewer, ticket) if TICKET_ID_PATTERN.fullmatch(ticket) else None
    )
    if row is None:
        raise ticket_not_found(ticket)
    return ticket_of(row)


async def ticket_row(database: Database, viewer: Viewer, ticket: str) -> Row | None:
    """Return the row of the ticket of that id; None if there is none that the viewer may read."""
    return await database.row(READ_TICKET.to(viewer), ticket=ticket, **viewer_parameters(viewer))


async def read_version(source: Database | Session, ticket: str, version: int) -> Ticket:
    """Return a ticket as it was in an earlier version."""
    rows = await source.rows(HISTORY_UNTIL, ticket_id=ticket, last=version)
    return rebuild_ticket(map(entry_of, rows))


def ticket_not_found(ticket: str) -> NotFound:
    """Return the refusal of a request for a ticket that does not exist, or is out of sight."""
    return NotFound(f"There is no ticket {ticket!r}.", ticket=ticket)


async def read_clock(database: Database) -> datetime:
    """Return the time by the clock of the database, by which everything is measured."""
    row = await database.row(CLOCK)
    if row is None:
        raise LookupError(CLOCK.sql)
    now: datetime = row["now"]
    return now


async def read_timers(database: Database, tickets: Sequence[Ticket]) -> dict[str, SlaTimers | None]:
    """Return the timers of each of these tickets, as far as the version that was read."""
    versions = {ticket.id: ticket.version for ticket in tickets}
    told: dict[str, list[Entry]] = {ticket: [] for ticket in versions}
    kinds = sorted({EntryKind.CREATED, *TIMER_KINDS})
    for entry in map(entry_of, await database.rows(TIMED, tickets=list(versions), kinds=kinds)):
        if entry.seq <= versions[entry.ticket]:
            told[entry.ticket].append(entry)
    return {ticket: build_timers(entries) for ticket, entries in told.items()}
