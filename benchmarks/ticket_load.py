"""The load of the storage benchmark: tickets, and writers that make transitions."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from enum import IntEnum
from time import perf_counter
from typing import Final, TypeAlias

from sqlalchemy import Text, bindparam, func, select

from benchmarks.databases import VACUUM, declare, disable_sync, execute_unchecked
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

Transition: TypeAlias = Callable[[str], Awaitable[object]]
"""Makes the transition of a round for a ticket id."""

TICKETS: Final = 5_000
"""In each set."""


class TicketSet(IntEnum):
    """A set of tickets; the value is the number of the first one."""

    PLAIN = 100_000
    WITH_SLA = 200_000
    """With the SLA targets of their priority."""


ID_PREFIX: Final = "tk_" + 26 * "0"
"""With six more digits, ids are as long as real ones."""
SCATTER: Final = 7_919
"""A prime number, so that consecutive transitions are not on neighbouring rows."""
_PREPARING_WRITERS: Final = 8

REQUESTER: Final = Actor("u_b1", "Anna K.")
ASSIGNEE: Final = Actor("u_c4", "Marton P.")
COMMAND: Final = CreateTicket.parse(
    title="Payments fail",
    description="Cards have been declined since this morning. " * 10,
    workflow="change_request",
    assignee=ASSIGNEE.id,
)
_COMMANDS: Final = {
    TicketSet.PLAIN: COMMAND,
    TicketSet.WITH_SLA: COMMAND.model_copy(update={"sla": RequestedSla(by_priority=True)}),
}
_COUNT_NOT_IN_STATUS: Final = Statement.of(
    select(func.count().label("tickets"))
    .select_from(tickets)
    .where(
        tickets.c.id >= bindparam("first", type_=Text),
        tickets.c.id <= bindparam("last", type_=Text),
        tickets.c.status != bindparam("status"),
    )
)


async def prepare_database(url: str) -> None:
    """Create the schema, the workflows and the tickets, which are in progress."""
    await declare(url)
    await disable_sync(url)
    async with open_database(url) as database:
        await _insert_tickets(database)
        for ticket_set in TicketSet:
            await transition_by_store(
                TicketStore(database), ticket_set, Status.IN_PROGRESS, _PREPARING_WRITERS
            )
    await execute_unchecked(url, VACUUM)


async def _insert_tickets(database: Database) -> None:
    """Insert the tickets with their first entries, as the store does."""
    async with database.transaction() as session:
        workflow = await read_active_workflow(session, COMMAND.workflow)
        entries = [
            _first_entry(ticket_set, number, workflow["now"], workflow["revision"])
            for ticket_set in TicketSet
            for number in range(TICKETS)
        ]
        await ensure_users(session, REQUESTER.id, ASSIGNEE.id)
        await insert_tickets(session, entries)


def _first_entry(ticket_set: TicketSet, number: int, at: datetime, revision: int) -> Entry:
    """Return the first entry of a ticket."""
    opening = opening_from_command(_COMMANDS[ticket_set], REQUESTER, SlaTerms())
    return opening_entry(ticket_id(ticket_set, number), opening, REQUESTER, at, revision)


def ticket_id(ticket_set: TicketSet, number: int) -> str:
    """Return the id of a ticket by its number in the set."""
    return f"{ID_PREFIX}{ticket_set + number}"


def tickets_of_writer(ticket_set: TicketSet, writer: int, writers: int) -> list[str]:
    """Return the tickets of a writer, in the order of its transitions."""
    return [
        ticket_id(ticket_set, turn * SCATTER % TICKETS) for turn in range(writer, TICKETS, writers)
    ]


async def transition_all(
    transitions: Sequence[Transition], ticket_set: TicketSet = TicketSet.PLAIN
) -> float:
    """Run all writers concurrently; return transitions per second."""
    ids = [
        tickets_of_writer(ticket_set, writer, len(transitions))
        for writer in range(len(transitions))
    ]
    start = perf_counter()
    await asyncio.gather(*map(_run_writer, transitions, ids))
    return TICKETS / (perf_counter() - start)


async def transition_by_store(
    store: TicketStore, ticket_set: TicketSet, target: Status, writers: int
) -> float:
    """Make transitions with the store; the commands are built in advance."""
    commands = {
        each: TransitionTicket(ticket=each, to=target)
        for each in tickets_of_writer(ticket_set, 0, 1)
    }

    async def transition(ticket: str) -> None:
        await store.transition(ASSIGNEE, commands[ticket])

    return await transition_all([transition] * writers, ticket_set)


async def _run_writer(transition: Transition, ids: Sequence[str]) -> None:
    """Make the transitions of a writer, one after the other."""
    for ticket in ids:
        await transition(ticket)


async def count_not_in_status(database: Database, ticket_set: TicketSet, status: Status) -> int:
    """Return how many tickets of a set do not have a status."""
    first, last = ticket_id(ticket_set, 0), ticket_id(ticket_set, TICKETS - 1)
    row = await database.row(_COUNT_NOT_IN_STATUS, first=first, last=last, status=status.value)
    return row["tickets"] if row else 0


async def count_flawed_histories(database: Database) -> int:
    """Return the number of histories with flaws."""
    return len([flaw async for _, flaw in audit_histories(database) if flaw])
