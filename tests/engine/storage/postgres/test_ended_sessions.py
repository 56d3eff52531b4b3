"""Sessions end in every state and for every kind of call, and the next call succeeds."""

import asyncio
from collections.abc import Awaitable, Callable
from threading import Thread

import asyncpg
import pytest
from sqlalchemy import text

from engine.errors import Unavailable
from engine.storage.history.changes import read_histories
from engine.storage.history.log import log_end
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.concurrent_changes import edit, open_another, open_ticket, pick_up
from tests.support.lock_gates import Observer

COUNT = Statement.of(text("SELECT count(*) FROM tickets"))
RENAME = Statement.of(text("UPDATE tickets SET title = :title"))

HOLD = "LOCK TABLE tickets, ticket_status_history IN ACCESS EXCLUSIVE MODE"

Call = Callable[[Database, Ticket], Awaitable[object]]


async def run_in_transaction(database: Database) -> None:
    async with database.transaction() as session:
        await session.run(COUNT)


async def run_each(database: Database) -> None:
    async with database.transaction() as session:
        await session.run_each(RENAME, [{"title": "a"}, {"title": "b"}])


async def read_snapshot(database: Database) -> None:
    async with database.snapshot() as session:
        await session.rows(COUNT)


async def stream(database: Database) -> None:
    async with database.snapshot() as session:
        async for _ in session.stream(COUNT, prefetch=1):
            pass


CALLS: dict[str, Call] = {
    "row": lambda database, _: database.row(COUNT),
    "rows": lambda database, _: database.rows(COUNT),
    "rows with a custom plan": lambda database, _: database.rows_with_custom_plan(COUNT),
    "a transaction": lambda database, _: run_in_transaction(database),
    "a statement for each set of values": lambda database, _: run_each(database),
    "a snapshot": lambda database, _: read_snapshot(database),
    "a stream": lambda database, _: stream(database),
    "a transition": lambda database, ticket: pick_up(TicketStore(database), ticket),
    "a change": lambda database, ticket: edit(TicketStore(database), ticket),
    "a new ticket": lambda database, ticket: open_another(TicketStore(database), ticket),
    "a ticket": lambda database, ticket: read_ticket(database, SYSTEM_VIEWER, ticket.id),
    "a history": lambda database, ticket: read_histories(database, [ticket.id]),
}
every_call = pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)


@pytest.fixture
async def ticket(store: TicketStore) -> Ticket:
    return await open_ticket(store)


async def end_sessions(owner_url: str) -> None:
    """End all sessions of the product, and wait until their processes are gone."""
    others = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    connection = await asyncpg.connect(owner_url)
    try:
        await connection.execute(f"SELECT pg_terminate_backend(pid) {others}")
        while await connection.fetchval(f"SELECT count(*) {others}"):
            await connection.execute("SELECT pg_stat_clear_snapshot()")
    finally:
        await connection.close()


def end_sessions_unnoticed(owner_url: str) -> None:
    """End all sessions while the event loop of this thread cannot run."""
    thread = Thread(target=lambda: asyncio.run(end_sessions(owner_url)))
    thread.start()
    thread.join()


@every_call
async def test_a_session_ends_while_it_is_idle(
    call: Call, ticket: Ticket, database_url: str, owner_url: str
) -> None:
    async with open_database(database_url, 1) as database:
        for steps in range(4):  # of the event loop, which notices the end in one of them
            end_sessions_unnoticed(owner_url)
            for _ in range(steps):
                await asyncio.sleep(0)
            try:
                await call(database, ticket)
            except Unavailable:
                await database.check()


@every_call
async def test_a_session_ends_in_the_middle_of_a_statement(
    call: Call, ticket: Ticket, database_url: str, observer: Observer
) -> None:
    async with open_database(database_url, 1) as database:
        async with observer.holding(HOLD):
            calling = asyncio.ensure_future(call(database, ticket))
            [pid] = await observer.wait_until_blocked(1)
            await observer.connection.execute("SELECT pg_terminate_backend($1)", pid)
            with pytest.raises(Unavailable):
                await calling
        await call(database, ticket)


@pytest.mark.parametrize("noticed", [True, False], ids=["noticed", "unnoticed"])
async def test_a_session_ends_between_the_statements_of_a_transaction(
    *, noticed: bool, database: Database, owner_url: str
) -> None:
    async def begin_and_continue() -> None:
        async with database.transaction() as session:
            await session.run(COUNT)
            if noticed:
                await end_sessions(owner_url)
            else:
                end_sessions_unnoticed(owner_url)
            await session.run(COUNT)

    with pytest.raises(Unavailable):
        await begin_and_continue()
    await run_in_transaction(database)


async def test_a_session_ends_before_a_transaction_commits(
    database: Database, owner_url: str
) -> None:
    async def begin_and_commit() -> None:
        async with database.transaction() as session:
            await session.run(COUNT)
            end_sessions_unnoticed(owner_url)

    with pytest.raises(Unavailable):
        await begin_and_commit()
    await log_end(database)
