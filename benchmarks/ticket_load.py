"""Tickets to move, and the writers that move them: the load of the storage benchmark."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import IntEnum
from time import perf_counter
from typing import Final, TypeAlias

from sqlalchemy import Text, bindparam, func, select

from benchmarks.databases import SETTLE, declare, run
from engine.storage.history.audit import audit_histories
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import tickets
from engine.storage.tickets.create import read_active_workflow
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import ensure_users
from engine.storage.tickets.writer import insert_tickets
from engine.tickets.actor import Actor
from engine.tickets.changes import opening_entry, opening_from_command
from engine.tickets.commands import CreateTicket, RequestedSla, TransitionTicket
from engine.tickets.history import Entry
from engine.tickets.sla_targets import SlaTerms
from engine.vocabulary import Status

Move: TypeAlias = Callable[[str], Awaitable[object]]
"""Moves the ticket of that id to where the round leads."""

TICKETS: Final = 5_000
"""Of each fleet."""


class Fleet(IntEnum):
    """Tickets that are moved together; the value is the number of the first one."""

    PLAIN = 100_000
    WITH_SLA = 200_000
    """With the targets of their priority."""


ID_PREFIX: Final = "tk_" + 26 * "0"
"""With a number of six digits behind it, an id is as long as a real one."""
SCATTER: Final = 7_919
"""A prime: neighbours in time are no neighbours in the table."""
PREPARING_WRITERS: Final = 8
WAIT_FOR_NO_DISK: Final = "ALTER DATABASE postgres SET synchronous_commit = off"

REQUESTER: Final = Actor("u_b1", "Anna K.")
ASSIGNEE: Final = Actor("u_c4", "Marton P.")
FORM: Final = CreateTicket.parse(
    title="Payments fail",
    description="Cards have been declined since this morning. " * 10,
    workflow="change_request",
    assignee=ASSIGNEE.id,
)
FORMS: Final = {
    Fleet.PLAIN: FORM,
    Fleet.WITH_SLA: FORM.model_copy(update={"sla": RequestedSla(by_priority=True)}),
}
NOT_IN: Final = Statement.of(
    select(func.count().label("tickets"))
    .select_from(tickets)
    .where(
        tickets.c.id >= bindparam("first", type_=Text),
        tickets.c.id <= bindparam("last", type_=Text),
        tickets.c.status != bindparam("status"),
    )
)


async def prepare(url: str) -> None:
    """Make the schema, the workflows and the tickets, each of them in progress."""
    await declare(url)
    await run(url, WAIT_FOR_NO_DISK)
    async with open_database(url) as database:
        await open_tickets(database)
        for fleet in Fleet:
            await by_store(TicketStore(database), fleet, Status.IN_PROGRESS, PREPARING_WRITERS)
    await run(url, SETTLE)


async def open_tickets(database: Database) -> None:
    """Write the tickets and the first entry of each one's history, as the store would."""
    async with database.transaction() as session:
        workflow = await read_active_workflow(session, FORM.workflow)
        entries = [
            first_entry(fleet, number, workflow["now"], workflow["revision"])
            for fleet in Fleet
            for number in range(TICKETS)
        ]
        await ensure_users(session, REQUESTER.id, ASSIGNEE.id)
        await insert_tickets(session, entries)


def first_entry(fleet: Fleet, number: int, at: datetime, revision: int) -> Entry:
    """Return the entry that opens a ticket."""
    opening = opening_from_command(FORMS[fleet], REQUESTER, SlaTerms())
    return opening_entry(ticket_id(fleet, number), opening, REQUESTER, at, revision)


def ticket_id(fleet: Fleet, number: int) -> str:
    """Return the id of a ticket, counted from 0."""
    return f"{ID_PREFIX}{fleet + number}"


def share(fleet: Fleet, writer: int, writers: int) -> list[str]:
    """Return the tickets of one writer, in the order in which it moves them."""
    return [ticket_id(fleet, turn * SCATTER % TICKETS) for turn in range(writer, TICKETS, writers)]


async def move_all(moves: Sequence[Move], fleet: Fleet = Fleet.PLAIN) -> float:
    """Let every writer move its share, all at once; return the moves per second."""
    shares = [share(fleet, writer, len(moves)) for writer in range(len(moves))]
    start = perf_counter()
    await asyncio.gather(*map(move_each, moves, shares))
    return TICKETS / (perf_counter() - start)


async def by_store(store: TicketStore, fleet: Fleet, target: Status, writers: int) -> float:
    """Move as the service does; the forms are filled in before, as the arguments elsewhere."""
    forms = {each: TransitionTicket(ticket=each, to=target) for each in share(fleet, 0, 1)}

    async def move(ticket: str) -> None:
        await store.transition(ASSIGNEE, forms[ticket])

    return await move_all([move] * writers, fleet)


async def move_each(move: Move, ids: Sequence[str]) -> None:
    """Move these tickets one after the other."""
    for ticket in ids:
        await move(ticket)


async def left_behind(database: Database, fleet: Fleet, status: Status) -> int:
    """Return how many tickets are not in that status."""
    first, last = ticket_id(fleet, 0), ticket_id(fleet, TICKETS - 1)
    row = await database.row(NOT_IN, first=first, last=last, status=status.value)
    return row["tickets"] if row else 0


async def broken_histories(database: Database) -> int:
    """Return how many histories are not whole."""
    return len([flaw async for _, flaw in audit_histories(database) if flaw])
