"""Scan all tickets with their whole histories, in constant memory."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import ARRAY, Text, bindparam, func, select

from engine.audit.history import StoredEntry
from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.rows import entry_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, tickets

_PREFETCHED_ROWS: Final = 2_000

_TICKETS: Final = Statement.of(select(tickets).order_by(tickets.c.id))
_ENTRIES: Final = Statement.of(
    select(ticket_status_history).order_by(
        ticket_status_history.c.ticket, ticket_status_history.c.seq
    )
)

_IDS: Final = bindparam("ids", type_=ARRAY(Text))
_LOCK: Final = Statement.of(
    select(tickets).where(tickets.c.id == func.any(_IDS)).order_by(tickets.c.id).with_for_update()
)
_ENTRIES_OF: Final = Statement.of(
    select(ticket_status_history)
    .where(ticket_status_history.c.ticket == func.any(_IDS))
    .order_by(ticket_status_history.c.ticket, ticket_status_history.c.seq)
)


@dataclass(frozen=True, slots=True)
class TicketHistory:
    """A ticket and its history, of which one can be missing.

    Attributes:
        row: the row of `tickets`; None if it is missing.
        history: oldest entry first; empty if it is missing.

    """

    id: str
    row: Row | None
    history: list[StoredEntry]


async def scan_tickets(session: Session) -> AsyncIterator[TicketHistory]:
    """Yield every ticket, and every history without a ticket, ordered by ticket id.

    The isolation level of the transaction must be REPEATABLE READ, because the scan merges two
    queries.
    """
    histories = _group_by_ticket(session.stream(_ENTRIES, _PREFETCHED_ROWS))
    history = await anext(histories, None)
    async for row in session.stream(_TICKETS, _PREFETCHED_ROWS):
        while history is not None and history.id < row["id"]:
            yield history
            history = await anext(histories, None)
        if history is not None and history.id == row["id"]:
            yield TicketHistory(row["id"], row, history.history)
            history = await anext(histories, None)
        else:
            yield TicketHistory(row["id"], row, [])
    while history is not None:
        yield history
        history = await anext(histories, None)


async def _group_by_ticket(rows: AsyncIterator[Row]) -> AsyncIterator[TicketHistory]:
    """Group rows of `ticket_status_history` by ticket."""
    group: TicketHistory | None = None
    async for row in rows:
        if group is None or group.id != row["ticket"]:
            if group is not None:
                yield group
            group = TicketHistory(row["ticket"], None, [])
        group.history.append(StoredEntry(entry_of(row), row["digest"]))
    if group is not None:
        yield group


async def lock_histories(session: Session, ids: Collection[str]) -> list[TicketHistory]:
    """Lock tickets, and return them with their histories, ordered by ticket id."""
    rows = await session.rows(_LOCK, ids=list(ids))
    histories: dict[str, list[StoredEntry]] = {row["id"]: [] for row in rows}
    # Read after the locks are held, so that it includes the changes that they waited for.
    for row in await session.rows(_ENTRIES_OF, ids=list(histories)):
        histories[row["ticket"]].append(StoredEntry(entry_of(row), row["digest"]))
    return [TicketHistory(row["id"], row, histories[row["id"]]) for row in rows]
