"""Anchors state what is sealed, and the stored chunks of the Merkle tree are only a cache."""

import asyncio
from datetime import timedelta

import pytest

from engine.sealing.anchor import Anchor
from engine.sealing.anchor_key import AnchorKey
from engine.storage.history.anchors import make_anchor, make_anchor_if_due, read_anchors
from engine.storage.history.head_chunks import CHUNK_TICKETS, compute_tree
from engine.storage.history.seal_audit import audit_seals
from engine.storage.history.seals import last_seal
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from tests.support.bulk_data import open_many
from tests.support.concurrent_changes import comment, open_ticket, pick_up
from tests.support.databases import execute
from tests.support.lock_gates import Observer
from tests.support.seals import seal_everything

KEY = AnchorKey.new()
MANY = 3 * CHUNK_TICKETS + 7


async def anchor_of(database: Database) -> Anchor:
    """Seal everything and make an anchor; check it against the histories."""
    await seal_everything(database)
    anchor = await make_anchor(database, KEY)
    async with database.snapshot() as session:
        end = await last_seal(session)
        tree = await compute_tree(session, end.entries)
        assert [flaw async for flaw in audit_seals(session, [anchor])] == []
    assert (anchor.tickets, anchor.heads_root) == (tree.tickets, tree.root.hex())
    assert (anchor.seal, anchor.seal_digest) == (end.seal.number, end.seal.digest.hex())
    assert anchor.counts == end.seal.counts
    return anchor


async def test_an_anchor_of_an_empty_database(database: Database) -> None:
    anchor = await make_anchor(database, KEY)
    assert (anchor.number, anchor.seal, anchor.tickets, anchor.seal_digest) == (1, 0, 0, "")
    assert anchor.unsealed == 1  # the reconciliation
    assert (await anchor_of(database)).number == 2


async def test_each_anchor_updates_the_tree_of_the_one_before(
    store: TicketStore, database: Database
) -> None:
    await open_many(database, MANY)
    assert (await anchor_of(database)).tickets == MANY
    tickets = [await open_ticket(store) for _ in range(3)]
    for number in range(6):
        for ticket in (tickets[0], tickets[number], tickets[-1]):
            await comment(store, ticket)
        tickets.append(await open_ticket(store))
        await anchor_of(database)
    assert (await anchor_of(database)).tickets == MANY + len(tickets)


async def test_unsealed_rows_are_counted_and_not_covered(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    before = await anchor_of(database)
    await pick_up(store, ticket)
    later = await open_ticket(store)
    await comment(store, later)
    anchor = await make_anchor(database, KEY)
    assert (anchor.tickets, anchor.heads_root) == (before.tickets, before.heads_root)
    assert anchor.unsealed == 3
    assert anchor.oldest_unsealed_at is not None
    await anchor_of(database)


CHUNKS = {
    "removed": "DELETE FROM head_chunks WHERE number = 1",
    "all removed": "DELETE FROM head_chunks",
    "with other leaves": "UPDATE head_chunks SET leaves = sha256('x') || substr(leaves, 33)",
    "with another root": "UPDATE head_chunks SET root = sha256('x') WHERE number = 2",
    "with other tickets": "UPDATE head_chunks SET creations[1] = 0",
    "in another order": "UPDATE head_chunks SET first_transaction = 0, first_entry = 0",
}


@pytest.mark.parametrize("change", CHUNKS.values(), ids=CHUNKS)
async def test_changed_chunks_are_built_again(
    store: TicketStore, database: Database, owner_url: str, change: str
) -> None:
    await open_many(database, MANY)
    ticket = await open_ticket(store)
    await anchor_of(database)
    await comment(store, ticket)
    await open_ticket(store)
    await execute(owner_url, change)
    await anchor_of(database)


async def test_stored_anchors_are_numbered_without_gaps(database: Database, owner_url: str) -> None:
    made = [await anchor_of(database) for _ in range(3)]
    async with database.snapshot() as session:
        assert [each async for each in read_anchors(session)] == made
    await execute(
        owner_url,
        "ALTER TABLE anchors DISABLE TRIGGER USER; DELETE FROM anchors WHERE number = 2;"
        "UPDATE anchors SET document = '{}' WHERE number = 3",
    )
    async with database.snapshot() as session:
        first, *flaws = [each async for each in read_anchors(session)]
    assert first == made[0]
    assert list(map(str, flaws)) == [
        "anchor 2: missing; the next one is 3",
        "anchor 3: its document is not an anchor",
    ]


async def test_one_of_many_servers_makes_the_anchor_that_is_due(database: Database) -> None:
    hour = timedelta(hours=1)
    made = await asyncio.gather(*(make_anchor_if_due(database, KEY, hour) for _ in range(5)))
    assert sorted(each.number for each in made if each) == [1]
    assert await make_anchor_if_due(database, KEY, hour) is None
    anchor = await make_anchor_if_due(database, KEY, timedelta(0))
    assert anchor is not None
    assert anchor.number == 2


async def test_a_server_leaves_an_anchor_to_the_one_that_makes_it(
    database: Database, observer: Observer
) -> None:
    async with asyncio.TaskGroup() as tasks, observer.closed_gate("anchors"):
        tasks.create_task(make_anchor(database, KEY))
        await observer.wait_until_blocked(1)
        assert await make_anchor_if_due(database, KEY, timedelta(0)) is None


async def test_changes_do_not_wait_for_an_anchor(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    await seal_everything(database)
    async with asyncio.TaskGroup() as tasks, observer.closed_gate("anchors"):
        tasks.create_task(make_anchor(database, KEY))
        await observer.wait_until_blocked(1)
        await pick_up(store, ticket)
        await open_ticket(store)
