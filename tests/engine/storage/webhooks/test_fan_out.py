"""What happened is spread into deliveries: all of it, in order, as much as may be owed."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import text

from engine.declaration.models import Ticketing
from engine.errors import NotFound
from engine.resources.resource import Kind, Resource, declared_resources
from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.change import change_ticket, lock_ticket
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.dead_letters import dead_letters, retry_deliveries
from engine.storage.webhooks.deliveries import claim, prune_deliveries
from engine.storage.webhooks.fan_out import WebhookAtWork, fan_out, webhooks_at_work
from engine.tickets.changes import comment_changes
from engine.tickets.commands import CommentTicket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.concurrent_changes import comment, open_ticket, pick_up
from tests.support.declared_resources import put
from tests.support.lock_gates import PATIENCE_SECONDS
from tests.support.people import MARTON


def webhook(name: str, **more: object) -> Resource:
    declared = {"name": name, "url": "https://hooks.example.com/", "secretName": "s"} | more
    resources = declared_resources(Ticketing.model_validate({"webhooks": [declared]}))
    return next(each for key, each in resources.items() if key.kind is Kind.WEBHOOK)


async def rows(database: Database, statement: str) -> list[Row]:
    return await database.rows(Statement.of(text(statement)))


async def owed(database: Database, name: str = "chat") -> list[tuple[str, int]]:
    found = await rows(database, "SELECT * FROM webhook_deliveries ORDER BY ticket, seq")
    return [(row["ticket"], row["seq"]) for row in found if row["webhook"] == name]


async def at_work(database: Database, name: str = "chat") -> WebhookAtWork:
    """Return a webhook when it has something to do: the log may be a moment late."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while True:
            found = {each.declared.name: each for each in await webhooks_at_work(database)}
            if name in found:
                return found[name]


async def spread_all(database: Database, count: int, name: str = "chat") -> None:
    """Spread until so many deliveries are owed."""
    found = await at_work(database, name)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(await owed(database, name)) < count:
            await fan_out(database, found.declared)


async def test_what_happened_before_a_webhook_was_declared_is_not_told(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    await put(database, [webhook("chat")])
    await pick_up(store, ticket)
    await spread_all(database, 1)
    assert await owed(database) == [(ticket.id, 2)]
    await put(database, [webhook("audit")])
    await comment(store, ticket)
    await spread_all(database, 1, "audit")
    assert await owed(database, "audit") == [(ticket.id, 3)]


async def test_a_changed_webhook_goes_on_where_it_was(
    store: TicketStore, database: Database
) -> None:
    await put(database, [webhook("chat", events=["ticket.created"])])
    ticket = await open_ticket(store)
    await put(database, [webhook("chat", events=["ticket.created", "ticket.commented"])])
    await comment(store, ticket)
    await spread_all(database, 2)
    assert await owed(database) == [(ticket.id, 1), (ticket.id, 2)]


@pytest.mark.parametrize("most", [1, 2, 500])
async def test_batches_of_any_size_spread_everything_once(
    store: TicketStore, database: Database, most: int
) -> None:
    await put(database, [webhook("chat")])
    tickets = [await open_ticket(store) for _ in range(3)]
    for ticket in tickets:
        await pick_up(store, ticket)
    found = await at_work(database)
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(await owed(database)) < 6:
            await fan_out(database, found.declared, most)
    assert await owed(database) == sorted((each.id, seq) for each in tickets for seq in (1, 2))
    assert not await fan_out(database, found.declared, most)


async def test_an_entry_with_the_older_transaction_does_not_overtake(
    store: TicketStore, database: Database
) -> None:
    """Whoever has changed something else first may write the later entry of a ticket."""
    await put(database, [webhook("chat")])
    ticket, other = await open_ticket(store), await open_ticket(store)
    form = CommentTicket.parse(ticket=ticket.id, text="Looking")
    elsewhere = CommentTicket.parse(ticket=other.id, text="Looking")
    async with database.transaction() as early:
        row = await lock_ticket(early, SYSTEM_VIEWER, elsewhere)
        await change_ticket(early, row, MARTON, elsewhere, comment_changes)
        await pick_up(store, ticket)
        row = await lock_ticket(early, SYSTEM_VIEWER, form)
        await change_ticket(early, row, MARTON, form, comment_changes)
    log = await rows(
        database, "SELECT ticket, seq FROM ticket_status_history ORDER BY transaction, entry"
    )
    assert [row["seq"] for row in log if row["ticket"] == ticket.id] == [1, 3, 2]
    found = await at_work(database)
    seen: list[list[tuple[str, int]]] = []
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(await owed(database)) < 5:
            await fan_out(database, found.declared, 1)
            seen.append([each for each in await owed(database) if each[0] == ticket.id])
    assert all([seq for _, seq in each] == list(range(1, len(each) + 1)) for each in seen)


async def test_whoever_spreads_is_alone(store: TicketStore, database: Database) -> None:
    await put(database, [webhook("chat")])
    await open_ticket(store)
    found = await at_work(database)
    async with database.transaction() as another:
        await another.connection.execute("SELECT FROM webhooks FOR NO KEY UPDATE")
        assert not await fan_out(database, found.declared)
        assert await owed(database) == []


async def test_no_more_is_owed_than_may_be(
    store: TicketStore, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.storage.webhooks.fan_out.PENDING_MOST", 2)
    await put(database, [webhook("chat")])
    tickets = [await open_ticket(store) for _ in range(3)]
    found = await at_work(database)
    await spread_all(database, 2)
    assert not await fan_out(database, found.declared)
    assert len(await owed(database)) == 2
    await rows(database, "UPDATE webhook_deliveries SET state = 'delivered', finished_at = now()")
    await spread_all(database, 3)
    assert {ticket for ticket, _ in await owed(database)} == {each.id for each in tickets}


# --- claims -------------------------------------------------------------------------------------


async def test_a_claim_is_nobody_elses(store: TicketStore, database: Database) -> None:
    await put(database, [webhook("chat")])
    first, second = sorted([(await open_ticket(store)).id, (await open_ticket(store)).id])
    await spread_all(database, 2)
    found = await at_work(database)
    claims = await asyncio.gather(*(claim(database, found) for _ in range(6)))
    assert sorted(each.ticket for each in claims if each) == [first, second]


async def test_nothing_is_claimed_for_a_webhook_that_is_declared_otherwise_now(
    store: TicketStore, database: Database
) -> None:
    await put(database, [webhook("chat")])
    await open_ticket(store)
    await spread_all(database, 1)
    before = await at_work(database)
    await put(database, [webhook("chat", url="https://other.example.com/")])
    assert await claim(database, before) is None
    assert await claim(database, await at_work(database)) is not None
    await put(database, [replace(webhook("chat"), retired=True)])
    assert await webhooks_at_work(database) == []


# --- what people see and do ----------------------------------------------------------------------


async def test_what_was_settled_long_ago_is_forgotten(
    store: TicketStore, database: Database
) -> None:
    await put(database, [webhook("chat")])
    tickets = [await open_ticket(store) for _ in range(5)]
    await spread_all(database, 5)
    for ticket, (state, age) in zip(
        tickets,
        [("delivered", 2), ("delivered", 0), ("dead", 91), ("dead", 89), ("pending", None)],
        strict=True,
    ):
        settled = "NULL" if age is None else f"now() - interval '{age} days'"
        await rows(
            database,
            f"UPDATE webhook_deliveries SET state = '{state}', finished_at = {settled}"  # noqa: S608
            f" WHERE ticket = '{ticket.id}'",
        )
    assert await prune_deliveries(database, most=1) == 2
    kept = {tickets[each].id for each in (1, 3, 4)}
    assert {ticket for ticket, _ in await owed(database)} == kept


async def test_dead_letters_are_listed_latest_first(store: TicketStore, database: Database) -> None:
    await put(database, [webhook("chat"), webhook("audit")])
    ticket = await open_ticket(store)
    await pick_up(store, ticket)
    await spread_all(database, 2)
    await rows(
        database,
        "UPDATE webhook_deliveries SET state = 'dead', attempts = 14, last_answer = 'timeout',"
        " finished_at = now() + seq * interval '1s'",
    )
    listed: list[Any] = await dead_letters(database, "chat")
    assert [(each.id, each.event, each.attempts, each.answer) for each in listed] == [
        (f"{ticket.id}-2", "ticket.transitioned", 14, "timeout"),
        (f"{ticket.id}-1", "ticket.created", 14, "timeout"),
    ]
    assert await dead_letters(database) == listed
    assert await dead_letters(database, "audit") == []


async def test_a_webhook_that_there_is_not_is_refused(database: Database) -> None:
    await put(database, [webhook("chat")])
    with pytest.raises(NotFound, match="Did you mean 'chat'"):
        await retry_deliveries(database, "chatt", dead=True)
    with pytest.raises(NotFound):
        await dead_letters(database, "mail")
