"""Everything recorded is sealed once, in the order of the log, by one server at a time."""

import asyncio
from contextlib import AbstractAsyncContextManager, AsyncExitStack

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import Unavailable
from engine.plugins import Plugin
from engine.sealing.seal import ROWS_MAX
from engine.storage.history.head_chunks import compute_tree
from engine.storage.history.seal_audit import audit_seals
from engine.storage.history.seals import last_seal, read_unsealed, seal_log
from engine.storage.postgres.database import Database, Session, open_database
from engine.storage.resources.plugins import set_plugin_enabled
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import save_user
from engine.tickets.ticket import Ticket
from tests.support.bulk_data import open_many
from tests.support.concurrent_changes import comment, open_ticket, pick_up
from tests.support.lock_gates import AT_COMMIT, BEFORE_INSERT, Observer
from tests.support.log_entries import comment_in
from tests.support.personas import ADA, ANNA
from tests.support.seals import seal_everything


async def seal_flaws(database: Database) -> list[str]:
    async with database.snapshot() as session:
        return [str(flaw) async for flaw in audit_seals(session, [])]


async def sealed_entries(database: Database) -> int:
    async with database.snapshot() as session:
        return (await last_seal(session)).seal.counts.entries


async def test_rows_of_every_kind_are_sealed(store: TicketStore, database: Database) -> None:
    await pick_up(store, await open_ticket(store))
    await save_user(database, ANNA)
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=False)
    assert (await seal_everything(database)).counts._asdict() == {
        "entries": 2,
        "user_names": 1,
        "reconciliations": 1,
        "workflow_revisions": 5,
        "plugin_changes": 1,
    }
    assert await seal_flaws(database) == []


async def test_nothing_is_sealed_twice(store: TicketStore, database: Database) -> None:
    await open_ticket(store)
    seal = await seal_everything(database)
    await seal_log(database)
    assert await seal_everything(database) == seal


async def test_what_is_not_sealed_is_counted_with_its_age(
    store: TicketStore, database: Database
) -> None:
    await seal_everything(database)
    ticket = await open_ticket(store)
    await comment(store, ticket)
    await save_user(database, ANNA)
    async with database.snapshot() as session:
        unsealed = await read_unsealed(session)
    assert (unsealed.rows, unsealed.oldest) == (3, ticket.created_at)
    assert unsealed.seconds > 0
    await seal_everything(database)
    async with database.snapshot() as session:
        unsealed = await read_unsealed(session)
    assert (unsealed.rows, unsealed.oldest, unsealed.seconds) == (0, None, 0)


async def test_entries_wait_for_older_transactions(store: TicketStore, database: Database) -> None:
    early, late = await open_ticket(store), await open_ticket(store)
    await seal_everything(database)
    async with database.transaction() as slow:
        await comment_in(slow, early)
        await comment(store, late)
        await seal_log(database)
        assert await sealed_entries(database) == 2
    await seal_everything(database)
    assert await sealed_entries(database) == 4
    assert await seal_flaws(database) == []


async def test_an_entry_can_be_sealed_before_an_earlier_one_of_its_ticket(
    store: TicketStore, database: Database
) -> None:
    other, ticket = await open_ticket(store), await open_ticket(store)
    async with AsyncExitStack() as running:
        older = await running.enter_async_context(database.transaction())
        await comment_in(older, other)
        async with database.transaction() as between:
            await between.connection.fetchval("SELECT pg_current_xact_id()")
            await comment(store, ticket)  # by a transaction that is later than the running one
            await comment_in(older, ticket)
            await running.aclose()
            await seal_log(database)
            assert await sealed_entries(database) == 4
            async with database.snapshot() as session:
                tree = await compute_tree(session, (await last_seal(session)).entries)
    await seal_everything(database)
    assert await sealed_entries(database) == 5
    assert await seal_flaws(database) == []
    async with database.snapshot() as session:
        assert await compute_tree(session, (await last_seal(session)).entries) == tree


WRITERS = 4
STEPS = st.lists(st.integers(0, WRITERS - 1) | st.none(), max_size=30)
"""Who acts next: a writer begins a transaction or commits it; None is the server that seals."""


class TestOrders:
    @pytest.fixture
    async def tickets(self, store: TicketStore) -> list[Ticket]:
        return [await open_ticket(store) for _ in range(WRITERS)]

    @settings(max_examples=30, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(steps=STEPS)
    async def test_every_entry_is_sealed_for_any_order_of_commits(
        self, database: Database, tickets: list[Ticket], steps: list[int | None]
    ) -> None:
        running: dict[int, AbstractAsyncContextManager[Session]] = {}
        for step in steps:
            if step is None:
                await seal_log(database)
            elif step in running:
                await running.pop(step).__aexit__(None, None, None)
            else:
                running[step] = database.transaction()
                await comment_in(await running[step].__aenter__(), tickets[step])
        for transaction in running.values():
            await transaction.__aexit__(None, None, None)
        await seal_everything(database)
        assert await seal_flaws(database) == []


async def test_a_seal_has_a_bounded_number_of_rows(database: Database) -> None:
    await open_many(database, 2 * ROWS_MAX + 1)
    seal = await seal_everything(database)
    assert (seal.number, seal.counts.entries) == (3, 2 * ROWS_MAX + 1)
    assert await seal_flaws(database) == []


async def test_servers_that_seal_at_the_same_time_make_one_chain(
    store: TicketStore, database: Database
) -> None:
    done = asyncio.Event()

    async def write() -> None:
        ticket = await open_ticket(store)
        for _ in range(10):
            await comment(store, ticket)

    async def seal() -> None:
        while not done.is_set():
            await seal_log(database)

    async with asyncio.TaskGroup() as tasks:
        for _ in range(3):
            tasks.create_task(seal())
        await asyncio.gather(*(write() for _ in range(5)))
        done.set()
    assert (await seal_everything(database)).counts.entries == 55
    assert await seal_flaws(database) == []


async def test_no_other_change_waits_for_a_seal(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    async with asyncio.TaskGroup() as tasks, observer.closed_gate("seals"):
        tasks.create_task(seal_log(database))
        await observer.wait_until_blocked(1)
        await seal_log(database)
        await pick_up(store, ticket)
        await open_ticket(store)
        tasks.create_task(seal_log(database, wait=True))
        await observer.wait_until_blocked(2)
    assert await seal_flaws(database) == []


GATES = {"before the row": BEFORE_INSERT, "within the commit": AT_COMMIT}


@pytest.mark.parametrize("is_killed", [False, True], ids=["cancelled", "killed"])
@pytest.mark.parametrize("gate", GATES.values(), ids=GATES)
async def test_an_interrupted_server_leaves_the_chain_as_it_was(
    store: TicketStore,
    database: Database,
    database_url: str,
    observer: Observer,
    gate: str,
    *,
    is_killed: bool,
) -> None:
    await open_ticket(store)
    before = await seal_everything(database)
    await open_ticket(store)
    async with open_database(database_url, 1) as other, observer.closed_gate("seals", gate):
        sealing = asyncio.create_task(seal_log(other))
        [pid] = await observer.wait_until_blocked(1)
        if is_killed:
            await observer.connection.execute("SELECT pg_terminate_backend($1)", pid)
        else:
            sealing.cancel()
        with pytest.raises((asyncio.CancelledError, Unavailable)):
            await sealing
        await observer.wait_until_idle()
        async with database.snapshot() as session:
            assert (await last_seal(session)).seal == before
    await seal_everything(database)
    assert await seal_flaws(database) == []
