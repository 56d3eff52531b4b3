"""A subscriber to the log receives every entry once, for any order of commits."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, suppress

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import PositionLost
from engine.storage.history.changes import read_histories
from engine.storage.history.log import LogEntry, log_end, read_log
from engine.storage.history.position import LOG_START, Position
from engine.storage.migrate import migrate
from engine.storage.postgres.database import Database, Session, open_database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.history import Entry, EntryKind
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.concurrent_changes import comment, edit, flaws, open_ticket, pick_up, reassign
from tests.support.databases import execute
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.log_entries import comment_in

ENOUGH = 1_000


async def all_entries(database: Database) -> dict[tuple[str, int], Entry]:
    """Return every entry of every history, by ticket and `seq`."""
    rows = await read_histories(database, await ticket_ids(database))
    return {(each.ticket, each.seq): each for entries in rows.values() for each in entries}


async def ticket_ids(database: Database) -> list[str]:
    async with database.transaction() as session:
        return [row["id"] for row in await session.connection.fetch("SELECT id FROM tickets")]


def check_order(entries: list[LogEntry]) -> dict[tuple[str, int], Entry]:
    """Check that entries are in order and without duplicates; return them by ticket and `seq`."""
    assert [each.position for each in entries] == sorted({each.position for each in entries})
    by_key = {(each.entry.ticket, each.entry.seq): each.entry for each in entries}
    assert len(by_key) == len(entries)
    last: dict[str, int] = {}
    for ticket, seq in by_key:
        assert seq == last.get(ticket, 0) + 1
        last[ticket] = seq
    return by_key


async def follow(
    database: Database, entries: list[LogEntry], until: int, page: int = ENOUGH
) -> None:
    """Read the log page by page until there are `until` entries.

    The server's own maintenance runs transactions, too, so entries can appear late.
    """
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(entries) < until:
            batch = await read_log(database, end_of(entries), page)
            assert len(batch) <= page
            entries += batch


def end_of(entries: list[LogEntry]) -> Position:
    return entries[-1].position if entries else LOG_START


async def keys_after(database: Database, position: Position, count: int) -> list[tuple[str, int]]:
    """Return ticket and `seq` of the entries after a position, once there are `count`."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(entries := await read_log(database, position, ENOUGH)) < count:
            pass
    return [(each.entry.ticket, each.entry.seq) for each in entries]


async def test_an_entry_comes_with_the_current_ticket(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    await pick_up(store, ticket)
    entries: list[LogEntry] = []
    await follow(database, entries, until=2)
    assert check_order(entries) == await all_entries(database)
    now = await read_ticket(database, SYSTEM_VIEWER, ticket.id)
    assert [each.ticket for each in entries] == [now, now]


async def test_an_entry_that_is_committed_late_is_not_skipped(
    store: TicketStore, database: Database
) -> None:
    early, late = await open_ticket(store), await open_ticket(store)
    position = await log_end(database)
    async with database.transaction() as slow:
        await comment_in(slow, early)
        await comment(store, late)
        assert await read_log(database, position, ENOUGH) == []
    assert await keys_after(database, position, 2) == [(early.id, 2), (late.id, 2)]


async def test_a_change_that_is_rolled_back_is_not_in_the_log(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    position = await log_end(database)
    with suppress(LookupError):
        async with database.transaction() as session:
            await comment_in(session, ticket)
            raise LookupError
    await pick_up(store, ticket)
    assert await keys_after(database, position, 1) == [(ticket.id, 2)]
    [entry] = await read_log(database, position, ENOUGH)
    assert entry.entry.kind is EntryKind.STATUS


async def test_an_uncommitted_entry_comes_after_the_end_of_the_log(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    async with database.transaction() as session:
        await comment_in(session, ticket)
        end = await log_end(database)
    assert (ticket.id, 2) in await keys_after(database, end, 1)


WRITERS = 5
STEPS = st.lists(st.integers(0, WRITERS - 1) | st.none(), max_size=40)
"""Who acts next: a writer begins a transaction or commits it; None is the reader."""


class TestFollowing:
    @pytest.fixture
    async def tickets(self, store: TicketStore) -> list[Ticket]:
        return [await open_ticket(store) for _ in range(WRITERS)]

    @settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(steps=STEPS, page=st.integers(1, 3))
    async def test_every_entry_is_read_for_any_order_of_commits(
        self,
        database: Database,
        tickets: list[Ticket],
        steps: list[int | None],
        page: int,
    ) -> None:
        entries: list[LogEntry] = []
        running: dict[int, AbstractAsyncContextManager[Session]] = {}
        for step in steps:
            if step is None:
                entries += await read_log(database, end_of(entries), page)
            elif step in running:
                await running.pop(step).__aexit__(None, None, None)
            else:
                running[step] = database.transaction()
                await comment_in(await running[step].__aenter__(), tickets[step])
        for transaction in running.values():
            await transaction.__aexit__(None, None, None)
        everything = await all_entries(database)
        await follow(database, entries, len(everything), page)
        assert check_order(entries) == everything


LOSE_ENTRIES = """
ALTER TABLE ticket_status_history DISABLE TRIGGER USER;
DELETE FROM ticket_status_history WHERE transaction IN ({});
"""


class TestGoingBackInTime:
    """The last commits are lost, as in a fail-over to a standby that lags behind."""

    @pytest.fixture
    async def tickets(self, store: TicketStore) -> list[Ticket]:
        return [await open_ticket(store) for _ in range(WRITERS)]

    @pytest.fixture
    async def owned(self, owner_url: str) -> AsyncIterator[Database]:
        """Return the database for its owner, who can delete entries."""
        async with open_database(owner_url) as opened:
            yield opened

    @settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        steps=st.lists(st.integers(0, WRITERS - 1), min_size=2, max_size=24),
        lost=st.integers(1, 8),
    )
    async def test_a_position_is_lost_if_and_only_if_an_entry_up_to_it_is(
        self,
        database: Database,
        owned: Database,
        tickets: list[Ticket],
        steps: list[int],
        lost: int,
    ) -> None:
        entries: list[LogEntry] = []
        start = await log_end(database)
        commits = await self.write(database, tickets, steps)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(entries) < len(commits):
                entries = await read_log(database, start, ENOUGH)
        async with owned.transaction() as session:
            numbers = ", ".join(map(str, commits[-lost:]))
            await session.connection.execute(LOSE_ENTRIES.format(numbers))
            is_kept = [each.position.transaction not in commits[-lost:] for each in entries]
            for index, each in enumerate(entries):
                if all(is_kept[: index + 1]):
                    later = await read_log(session, each.position, ENOUGH)
                    assert [found.entry for found in later] == [
                        entries[other].entry
                        for other in range(index + 1, len(entries))
                        if is_kept[other]
                    ]
                else:
                    with pytest.raises(PositionLost):
                        await read_log(session, each.position, ENOUGH)
            await session.connection.execute("ROLLBACK; BEGIN")

    async def write(self, database: Database, tickets: list[Ticket], steps: list[int]) -> list[int]:
        """Begin and commit transactions; return their numbers in the order of their commits."""
        running: dict[int, AbstractAsyncContextManager[Session]] = {}
        numbers: dict[int, int] = {}
        commits: list[int] = []
        for step in [*steps, *range(WRITERS)]:
            if step in running:
                await running.pop(step).__aexit__(None, None, None)
                commits.append(numbers[step])
            elif len(commits) + len(running) < len(steps):
                running[step] = database.transaction()
                session = await running[step].__aenter__()
                await comment_in(session, tickets[step])
                query = "SELECT pg_current_xact_id()::text::bigint"
                numbers[step] = await session.connection.fetchval(query)
        return commits


async def test_every_entry_is_read_while_many_writers_work(
    store: TicketStore, database: Database
) -> None:
    done = asyncio.Event()
    entries: list[LogEntry] = []

    async def write() -> None:
        ticket = await open_ticket(store)
        for change in (comment, pick_up, comment, edit, comment, reassign):
            await change(store, ticket)

    async def read() -> None:
        while not done.is_set():
            entries.extend(await read_log(database, end_of(entries), limit=7))

    async with asyncio.TaskGroup() as tasks:
        reading = tasks.create_task(read())
        await asyncio.gather(*(write() for _ in range(12)))
        done.set()
        await reading
    everything = await all_entries(database)
    await follow(database, entries, len(everything))
    assert check_order(entries) == everything


AS_IF_RESTORED = (
    "ALTER TABLE ticket_status_history DISABLE TRIGGER USER",
    "UPDATE ticket_status_history SET transaction = transaction + 1000000000",
    "ALTER TABLE ticket_status_history ENABLE TRIGGER USER",
)
"""The entries of a dump from a server with more transactions."""


async def test_the_log_continues_after_a_dump_and_restore(
    store: TicketStore, database: Database, owner_url: str
) -> None:
    ticket = await open_ticket(store)
    await comment(store, ticket)
    before = await log_end(database)
    await execute(owner_url, *AS_IF_RESTORED)
    assert await read_log(database, LOG_START, ENOUGH) == []
    await migrate(owner_url)
    with pytest.raises(PositionLost):
        await read_log(database, before, ENOUGH)
    end = await log_end(database)
    await comment(store, ticket)
    assert (await keys_after(database, end, 1))[-1] == (ticket.id, 3)
    entries: list[LogEntry] = []
    await follow(database, entries, until=3)
    assert check_order(entries) == await all_entries(database)
    with pytest.raises(asyncpg.RestrictViolationError):
        await execute(owner_url, "DELETE FROM ticket_status_history")
    assert await flaws(database) == []
