"""Refused transitions are recorded per day, and old days are deleted."""

import asyncio
from contextlib import suppress
from datetime import timedelta

import asyncpg
import pytest

from engine.errors import ForbiddenTransition, InterlockError
from engine.limits import REFUSAL_DAYS
from engine.storage.insights.refused_transitions import record_refusals
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import TransitionTicket
from engine.tickets.transition_counts import TransitionCounts
from engine.vocabulary import Status
from tests.support.concurrent_changes import open_ticket
from tests.support.personas import MARTON

ROWS = "SELECT workflow, source, target, reason, times FROM refused_transitions"


async def refuse(store: TicketStore, times: int) -> None:
    ticket = await open_ticket(store)
    for _ in range(times):
        command = TransitionTicket.parse(ticket=ticket.id, to=Status.RESOLVED)
        with pytest.raises(ForbiddenTransition):
            await store.transition(MARTON, command)


async def rows(database: Database) -> list[tuple[object, ...]]:
    async with database.pool.acquire() as connection:
        return [tuple(each) for each in await connection.fetch(ROWS)]


async def test_two_servers_add_to_one_number(database: Database) -> None:
    stores = [TicketStore(database, transitions=TransitionCounts()) for _ in range(2)]
    for each in stores:
        await refuse(each, times=3)
    counts = [each.transitions.unrecorded for each in stores]
    await asyncio.gather(*(record_refusals(database, each) for each in counts))
    [(workflow, source, target, reason, times)] = await rows(database)
    assert (source, target, reason, times) == ("OPEN", "RESOLVED", "no_such_transition", 6)
    assert workflow


async def test_a_success_counts_nothing(database: Database) -> None:
    store = TicketStore(database)
    await open_ticket(store)
    await record_refusals(database, store.transitions.unrecorded)
    assert await rows(database) == []


async def test_numbers_survive_a_failure_to_record_them(
    database: Database, owner: asyncpg.Connection
) -> None:
    store = TicketStore(database)
    await refuse(store, times=1)
    await owner.execute("ALTER TABLE refused_transitions RENAME TO away")
    with suppress(InterlockError, asyncpg.PostgresError):
        await record_refusals(database, store.transitions.unrecorded)
    await owner.execute("ALTER TABLE away RENAME TO refused_transitions")
    assert await rows(database) == []
    await record_refusals(database, store.transitions.unrecorded)
    assert len(await rows(database)) == 1


async def test_old_days_are_deleted(database: Database) -> None:
    store = TicketStore(database)
    await refuse(store, times=1)
    await record_refusals(database, store.transitions.unrecorded)
    shift = "UPDATE refused_transitions SET day = day - $1::interval"
    async with database.pool.acquire() as connection:
        await connection.execute(shift, timedelta(days=REFUSAL_DAYS))
    await record_refusals(database, store.transitions.unrecorded)
    assert len(await rows(database)) == 1
    async with database.pool.acquire() as connection:
        await connection.execute(shift, timedelta(days=1))
    await record_refusals(database, store.transitions.unrecorded)
    assert await rows(database) == []
