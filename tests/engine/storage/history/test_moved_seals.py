"""Seals and anchors stay valid when a database moves, because they do not contain its numbers."""

import pytest

from engine.sealing.anchor_key import AnchorKey
from engine.storage.history.anchors import make_anchor
from engine.storage.history.seal_audit import audit_seals
from engine.storage.history.seals import seal_log
from engine.storage.migrate import migrate
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.users import save_user
from tests.support.concurrent_changes import comment, open_ticket, pick_up
from tests.support.databases import execute
from tests.support.log_entries import comment_in
from tests.support.personas import ANNA, MARTON
from tests.support.seals import seal_everything

KEY = AnchorKey.new()
LOG_TABLES = ("ticket_status_history", "user_names")
MOVED = tuple(
    statement
    for table in LOG_TABLES
    for statement in (
        f"ALTER TABLE {table} DISABLE TRIGGER USER",
        f"UPDATE {table} SET transaction = transaction + 1000000000",  # noqa: S608 - our own
        f"ALTER TABLE {table} ENABLE TRIGGER USER",
    )
)
"""The rows of a dump from a server with more transactions."""
ORDER = "SELECT ticket, seq FROM ticket_status_history ORDER BY transaction, entry"


@pytest.fixture
async def filled(store: TicketStore, database: Database) -> Database:
    """Return a database in whose log the order of transactions and of entries differ."""
    early, late = await open_ticket(store), await open_ticket(store)
    await save_user(database, ANNA)
    await seal_everything(database)
    async with database.transaction() as slow:
        await slow.connection.fetchval("SELECT pg_current_xact_id()")
        await comment(store, late)
        await save_user(database, MARTON)
        await comment_in(slow, early)
    await seal_everything(database)
    return database


async def order(database: Database) -> list[tuple[str, int]]:
    async with database.transaction() as session:
        return [tuple(row) for row in await session.connection.fetch(ORDER)]


async def test_a_moved_database_keeps_the_order_of_its_log_and_its_seals(
    filled: Database, store: TicketStore, owner_url: str
) -> None:
    anchor = await make_anchor(filled, KEY)
    before = await order(filled)
    await execute(owner_url, *MOVED)
    async with filled.snapshot() as session:
        found = [str(flaw) async for flaw in audit_seals(session, [anchor])]
    assert any("run `interlock migrate`" in flaw for flaw in found) or "another place" in found[0]
    await migrate(owner_url)
    assert await order(filled) == before
    await pick_up(store, await open_ticket(store))
    await seal_everything(filled)
    later = await make_anchor(filled, KEY)
    async with filled.snapshot() as session:
        assert [flaw async for flaw in audit_seals(session, [anchor, later])] == []
    assert (await order(filled))[: len(before)] == before


async def test_a_moved_database_is_sealed_once_to_find_its_place(
    filled: Database, owner_url: str
) -> None:
    await execute(owner_url, *MOVED)
    await migrate(owner_url)
    before = await seal_everything(filled)
    await seal_log(filled)
    assert await seal_everything(filled) == before
