"""A delivery is claimed by one server, and deleted some time after it is finished."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest

from engine.errors import PositionLost
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.deliveries import (
    build_body,
    claim,
    prune_deliveries,
    record_result,
)
from engine.storage.webhooks.fan_out import find_webhooks_with_work
from engine.webhooks.retry_policy import AttemptResult, decide_retry
from tests.support.concurrent_changes import open_ticket
from tests.support.declared_resources import put_resources
from tests.support.webhook_deliveries import (
    deliveries,
    enqueue,
    enqueued,
    run_sql,
    webhook,
    webhook_with_work,
)


async def test_a_delivery_is_claimed_once(store: TicketStore, database: Database) -> None:
    await put_resources(database, [webhook("chat")])
    first, second = sorted([(await open_ticket(store)).id, (await open_ticket(store)).id])
    await enqueue(database, 2)
    found = await webhook_with_work(database)
    claims = await asyncio.gather(*(claim(database, found) for _ in range(6)))
    assert sorted(each.ticket for each in claims if each) == [first, second]


async def test_no_delivery_is_claimed_under_an_outdated_declaration(
    store: TicketStore, database: Database
) -> None:
    await put_resources(database, [webhook("chat")])
    await open_ticket(store)
    await enqueue(database, 1)
    before = await webhook_with_work(database)
    await put_resources(database, [webhook("chat", url="https://other.example.com/")])
    assert await claim(database, before) is None
    assert await claim(database, await webhook_with_work(database)) is not None
    await put_resources(database, [replace(webhook("chat"), retired=True)])
    assert await find_webhooks_with_work(database) == []


async def test_old_deliveries_are_pruned(store: TicketStore, database: Database) -> None:
    await put_resources(database, [webhook("chat")])
    tickets = [await open_ticket(store) for _ in range(5)]
    await enqueue(database, 5)
    for ticket, (state, age) in zip(
        tickets,
        [("delivered", 2), ("delivered", 0), ("dead", 91), ("dead", 89), ("pending", None)],
        strict=True,
    ):
        settled = "NULL" if age is None else f"now() - interval '{age} days'"
        await run_sql(
            database,
            f"UPDATE webhook_deliveries SET state = '{state}', finished_at = {settled}"  # noqa: S608
            f" WHERE ticket = '{ticket.id}'",
        )
    assert await prune_deliveries(database, batch=1) == 2
    kept = {tickets[each].id for each in (1, 3, 4)}
    assert {ticket for ticket, _ in await enqueued(database)} == kept


async def test_a_result_is_recorded_only_for_its_own_claim(
    store: TicketStore, database: Database
) -> None:
    """After a rewind, another change can have the same `seq` and the same number of attempts."""
    await put_resources(database, [webhook("chat")])
    await open_ticket(store)
    await enqueue(database, 1)
    found = await webhook_with_work(database)
    claimed = await claim(database, found)
    assert claimed
    await run_sql(
        database, "UPDATE webhook_deliveries SET claimed_until = claimed_until + interval '1s'"
    )
    accepted = AttemptResult(status=204)
    await record_result(database, found, claimed, accepted, decide_retry(accepted, 1, 0.5))
    [delivery] = await deliveries(database)
    assert (delivery["state"], delivery["last_result"]) == ("pending", None)
    assert delivery["claimed_until"] > claimed.claimed_until


async def test_no_event_is_built_for_a_change_that_was_lost(
    store: TicketStore, database: Database, owner: asyncpg.Connection
) -> None:
    await put_resources(database, [webhook("chat")])
    await open_ticket(store)
    await enqueue(database, 1)
    claimed = await claim(database, await webhook_with_work(database))
    assert claimed
    await owner.execute("ALTER TABLE ticket_status_history DISABLE TRIGGER USER")
    await owner.execute("UPDATE ticket_status_history SET digest = sha256(digest)")
    with pytest.raises(PositionLost):
        await build_body(database, claimed)
    await owner.execute("DELETE FROM ticket_status_history")
    with pytest.raises(PositionLost):
        await build_body(database, claimed)
