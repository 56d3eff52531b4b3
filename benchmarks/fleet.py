"""Tickets to move, and the writers that move them: the load of the storage benchmark."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from time import perf_counter
from typing import Final, TypeAlias

from sqlalchemy import bindparam, func, select

from engine.storage.database import Database
from engine.storage.entries import write_openings
from engine.storage.history_audit import audit_histories
from engine.storage.statements import Statement
from engine.storage.tables import tickets
from engine.storage.ticket_store import offered_workflow
from engine.storage.users import mention_users
from engine.tickets.actor import Actor
from engine.tickets.changes import by_hand, opening_entry
from engine.tickets.history import Entry
from engine.tickets.promises import Terms
from engine.tickets.requests import CreateTicket
from engine.vocabulary import Status

Move: TypeAlias = Callable[[str], Awaitable[object]]
"""Moves the ticket of that id to where the round leads."""

TICKETS: Final = 5_000
FIRST_NUMBER: Final = 100_000
ID_PREFIX: Final = "tk_" + 26 * "0"
"""With a number of six digits behind it, an id is as long as a real one."""
SCATTER: Final = 7_919
"""A prime: neighbours in time are no neighbours in the table."""

REQUESTER: Final = Actor("u_b1", "Anna K.")
ASSIGNEE: Final = Actor("u_c4", "Marton P.")
FORM: Final = CreateTicket.checked(
    title="Payments fail",
    description="Cards have been declined since this morning. " * 10,
    workflow="change_request",
    assignee=ASSIGNEE.id,
)
NOT_IN: Final = Statement.of(
    select(func.count().label("tickets"))
    .select_from(tickets)
    .where(tickets.c.status != bindparam("status"))
)


async def open_tickets(database: Database) -> None:
    """Write the tickets and the first entry of each one's history, as the store would."""
    async with database.transaction() as session:
        workflow = await offered_workflow(session, FORM.workflow)
        entries = [first_entry(n, workflow["now"], workflow["revision"]) for n in range(TICKETS)]
        await mention_users(session, REQUESTER.id, ASSIGNEE.id)
        await write_openings(session, entries)


def first_entry(number: int, at: datetime, revision: int) -> Entry:
    """Return the entry that opens a ticket."""
    return opening_entry(
        ticket_id(number), by_hand(FORM, REQUESTER, Terms()), REQUESTER, at, revision
    )


def ticket_id(number: int) -> str:
    """Return the id of a ticket, counted from 0."""
    return f"{ID_PREFIX}{FIRST_NUMBER + number}"


def share(writer: int, writers: int) -> list[str]:
    """Return the tickets of one writer, in the order in which it moves them."""
    return [ticket_id(turn * SCATTER % TICKETS) for turn in range(writer, TICKETS, writers)]


async def move_all(moves: Sequence[Move]) -> float:
    """Let every writer move its share, all at once; return the moves per second."""
    shares = [share(writer, len(moves)) for writer in range(len(moves))]
    start = perf_counter()
    await asyncio.gather(*map(move_each, moves, shares))
    return TICKETS / (perf_counter() - start)


async def move_each(move: Move, ids: Sequence[str]) -> None:
    """Move these tickets one after the other."""
    for ticket in ids:
        await move(ticket)


async def left_behind(database: Database, status: Status) -> int:
    """Return how many tickets are not in that status."""
    row = await database.row(NOT_IN, status=status.value)
    return row["tickets"] if row else 0


async def broken_histories(database: Database) -> int:
    """Return how many histories are not whole."""
    return len([flaw async for _, flaw in audit_histories(database) if flaw])
