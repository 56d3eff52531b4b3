"""A change that is interrupted happens completely or not at all."""

import asyncio
import sys
from collections.abc import Awaitable, Callable

import pytest

from engine.errors import Unavailable
from engine.storage.history.changes import read_histories
from engine.storage.migrate import MIGRATION_LOCK, migrate
from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.concurrent_changes import (
    Change,
    comment,
    edit,
    every_change,
    flaws,
    open_another,
    open_ticket,
    pick_up,
    versions,
)
from tests.support.lock_gates import AT_COMMIT, BEFORE_INSERT, Observer
from tests.support.paths import ROOT

Interruption = Callable[[Observer, "asyncio.Task[Ticket]", int], Awaitable[object]]


async def cancel_task(_observer: Observer, task: "asyncio.Task[Ticket]", _pid: int) -> None:
    task.cancel()


async def cancel_statement(observer: Observer, _task: "asyncio.Task[Ticket]", pid: int) -> None:
    await observer.connection.execute("SELECT pg_cancel_backend($1)", pid)


async def terminate_backend(observer: Observer, _task: "asyncio.Task[Ticket]", pid: int) -> None:
    await observer.connection.execute("SELECT pg_terminate_backend($1)", pid)


GATES = {
    "before its entry": ("ticket_status_history", BEFORE_INSERT),
    "before its key": ("idempotency_keys", BEFORE_INSERT),
    "within the commit": ("ticket_status_history", AT_COMMIT),
}


@pytest.mark.parametrize("interrupt", [cancel_task, cancel_statement, terminate_backend])
@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
@pytest.mark.parametrize("change", [pick_up, edit, open_another])
async def test_an_interrupted_change_has_no_effect_and_can_be_repeated(
    store: TicketStore,
    database: Database,
    database_url: str,
    observer: Observer,
    change: Change,
    gate: tuple[str, str],
    interrupt: Interruption,
) -> None:
    ticket = await open_ticket(store)
    async with open_database(database_url, 1) as only_connection:
        small_store = TicketStore(only_connection)
        async with observer.closed_gate(*gate):
            changing = asyncio.create_task(change(small_store, ticket, idempotency_key="k"))
            (pid,) = await observer.wait_until_blocked(1)
            await interrupt(observer, changing, pid)
            with pytest.raises((asyncio.CancelledError, Unavailable)):
                await changing
            await observer.wait_until_idle()
        assert await versions(database) == {ticket.id: 1}
        changed = await change(small_store, ticket, idempotency_key="k")
        assert await versions(database) == {ticket.id: 1} | {changed.id: changed.version}


@every_change
async def test_a_change_that_is_cancelled_at_any_time_happens_once_for_its_key(
    store: TicketStore, database: Database, database_url: str, observer: Observer, change: Change
) -> None:
    """No connection returns to the pool with an open transaction."""
    async with open_database(database_url, 1) as only_connection:
        small_store = TicketStore(only_connection)
        for steps in range(25):
            ticket = await open_ticket(store)
            key = f"k{steps}"
            changing = asyncio.create_task(change(small_store, ticket, idempotency_key=key))
            for _ in range(steps):
                await asyncio.sleep(0)
            changing.cancel()
            await asyncio.gather(changing, return_exceptions=True)
            changed = await change(small_store, ticket, idempotency_key=key)
            assert await read_ticket(database, SYSTEM_VIEWER, changed.id) == changed
            assert changed.version - (changed.id == ticket.id) in {1, 2}
            await observer.wait_until_idle()
    assert await flaws(database) == []


VICTIM = """
import asyncio, sys
from engine.storage.postgres.database import open_database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support import concurrent_changes

async def main(url, ticket, change):
    async with open_database(url, 1) as database:
        ticket = await read_ticket(database, SYSTEM_VIEWER, ticket)
        apply = getattr(concurrent_changes, change)
        await apply(TicketStore(database), ticket, idempotency_key="k")

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize("change", [pick_up, edit])
async def test_a_change_of_a_killed_process_is_atomic(
    store: TicketStore, database: Database, database_url: str, observer: Observer, change: Change
) -> None:
    """PostgreSQL can finish a statement after its client is gone; the key prevents a second one."""
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        arguments = ("-c", VICTIM, database_url, ticket.id, change.__name__)
        victim = await asyncio.create_subprocess_exec(sys.executable, *arguments, cwd=ROOT)
        await observer.wait_until_blocked(1)
        victim.kill()
        await victim.wait()
    await observer.wait_until_idle()
    after = await change(store, ticket, idempotency_key="k")
    assert after == await read_ticket(database, SYSTEM_VIEWER, ticket.id)
    entries = (await read_histories(database, [ticket.id]))[ticket.id]
    assert [each.kind for each in entries[1:]] in (["status"], ["title", "priority"])
    assert await flaws(database) == []


async def test_a_statement_that_times_out_changes_nothing(
    store: TicketStore, database: Database, database_url: str, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    name = await observer.connection.fetchval("SELECT current_database()")
    await observer.connection.execute(f"ALTER DATABASE {name} SET statement_timeout = '50ms'")
    async with open_database(database_url, 1) as impatient:
        async with observer.holding(f"SELECT FROM tickets WHERE id = '{ticket.id}' FOR UPDATE"):
            for change in (pick_up, comment):
                with pytest.raises(Unavailable):
                    await change(TicketStore(impatient), ticket, idempotency_key="k")
        assert await versions(database) == {ticket.id: 1}
        assert (await pick_up(TicketStore(impatient), ticket, idempotency_key="k")).version == 2


async def test_a_task_that_stops_waiting_for_a_connection_does_not_lose_one(
    store: TicketStore, database_url: str
) -> None:
    ticket = await open_ticket(store)
    async with open_database(database_url, 1) as only_connection:
        small_store = TicketStore(only_connection)
        async with only_connection.transaction():
            waiting = [asyncio.create_task(comment(small_store, ticket)) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[1].cancel()
        results = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in results] == [Ticket, asyncio.CancelledError, Ticket]


async def test_more_requests_than_connections_all_succeed(
    store: TicketStore, database: Database, database_url: str
) -> None:
    """No request holds a connection while it waits for another, including repeated requests."""
    ticket = await open_ticket(store)
    async with open_database(database_url, 2) as small_store:
        results = await asyncio.gather(
            *(
                change(
                    TicketStore(small_store), ticket, idempotency_key=f"{change.__name__}{n % 4}"
                )
                for n in range(20)
                for change in (comment, open_another)
            )
        )
    assert len({(each.id, each.version) for each in results}) == 4 + 4
    assert len(await versions(database)) == 1 + 4


async def test_a_cancelled_migration_closes_its_connection(
    database_url: str, observer: Observer
) -> None:
    async with observer.holding(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"):
        migrating = asyncio.create_task(migrate(database_url))
        await observer.wait_until_blocked(1)
        migrating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await migrating
        await observer.wait_for(0, "backend_type = 'client backend'")
