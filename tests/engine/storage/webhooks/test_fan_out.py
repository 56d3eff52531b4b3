"""Fan-out enqueues a delivery for every change, in order and up to a bound."""

import asyncio

import pytest

from engine.storage.postgres.database import Database
from engine.storage.tickets.change import change_ticket, lock_ticket
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.fan_out import fan_out
from engine.tickets.changes import comment_changes
from engine.tickets.commands import CommentTicket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.concurrent_changes import comment, open_ticket, pick_up
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.personas import MARTON
from tests.support.webhook_deliveries import enqueue, enqueued, run_sql, webhook, webhook_with_work


async def test_changes_before_the_declaration_are_not_enqueued(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    await put_resources(database, [webhook("chat")])
    await pick_up(store, ticket)
    await enqueue(database, 1)
    assert await enqueued(database) == [(ticket.id, 2)]
    await put_resources(database, [webhook("audit")])
    await comment(store, ticket)
    await enqueue(database, 1, "audit")
    assert await enqueued(database, "audit") == [(ticket.id, 3)]


async def test_a_changed_webhook_continues_at_its_position(
    store: TicketStore, database: Database
) -> None:
    await put_resources(database, [webhook("chat", events=["ticket.created"])])
    ticket = await open_ticket(store)
    await put_resources(database, [webhook("chat", events=["ticket.created", "ticket.commented"])])
    await comment(store, ticket)
    await enqueue(database, 2)
    assert await enqueued(database) == [(ticket.id, 1), (ticket.id, 2)]


@pytest.mark.parametrize("limit", [1, 2, 500])
async def test_batches_of_any_size_enqueue_every_change_once(
    store: TicketStore, database: Database, limit: int
) -> None:
    await put_resources(database, [webhook("chat")])
    tickets = [await open_ticket(store) for _ in range(3)]
    for ticket in tickets:
        await pick_up(store, ticket)
    found = await webhook_with_work(database)
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(await enqueued(database)) < 6:
            await fan_out(database, found.declaration, limit)
    assert await enqueued(database) == sorted((each.id, seq) for each in tickets for seq in (1, 2))
    assert not await fan_out(database, found.declaration, limit)


async def test_an_entry_with_an_older_transaction_stays_in_order(
    store: TicketStore, database: Database
) -> None:
    """A transaction that changed another ticket first can write the later entry of a ticket."""
    await put_resources(database, [webhook("chat")])
    ticket, other = await open_ticket(store), await open_ticket(store)
    form = CommentTicket.parse(ticket=ticket.id, text="Looking")
    elsewhere = CommentTicket.parse(ticket=other.id, text="Looking")
    async with database.transaction() as early:
        row = await lock_ticket(early, SYSTEM_VIEWER, elsewhere)
        await change_ticket(early, row, MARTON, elsewhere, comment_changes)
        await pick_up(store, ticket)
        row = await lock_ticket(early, SYSTEM_VIEWER, form)
        await change_ticket(early, row, MARTON, form, comment_changes)
    log = await run_sql(
        database, "SELECT ticket, seq FROM ticket_status_history ORDER BY transaction, entry"
    )
    assert [row["seq"] for row in log if row["ticket"] == ticket.id] == [1, 3, 2]
    found = await webhook_with_work(database)
    seen: list[list[tuple[str, int]]] = []
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while len(await enqueued(database)) < 5:
            await fan_out(database, found.declaration, 1)
            seen.append([each for each in await enqueued(database) if each[0] == ticket.id])
    assert all([seq for _, seq in each] == list(range(1, len(each) + 1)) for each in seen)


async def test_only_one_server_fans_out_a_webhook(store: TicketStore, database: Database) -> None:
    await put_resources(database, [webhook("chat")])
    await open_ticket(store)
    found = await webhook_with_work(database)
    async with database.transaction() as another:
        await another.connection.execute("SELECT FROM webhooks FOR NO KEY UPDATE")
        assert not await fan_out(database, found.declaration)
        assert await enqueued(database) == []


async def test_pending_deliveries_are_bounded(
    store: TicketStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.storage.webhooks.fan_out.MAX_PENDING", 2)
    await put_resources(database, [webhook("chat")])
    tickets = [await open_ticket(store) for _ in range(3)]
    found = await webhook_with_work(database)
    await enqueue(database, 2)
    assert not await fan_out(database, found.declaration)
    assert len(await enqueued(database)) == 2
    await run_sql(
        database, "UPDATE webhook_deliveries SET state = 'delivered', finished_at = now()"
    )
    await enqueue(database, 3)
    assert {ticket for ticket, _ in await enqueued(database)} == {each.id for each in tickets}
