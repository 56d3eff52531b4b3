"""A failed delivery is attempted again, with growing delays, until it succeeds or is dead."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import asyncpg
from aiohttp import web
from structlog.testing import capture_logs

from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.dead_letters import list_dead_letters, retry_deliveries
from engine.webhooks.retry_policy import RETRY_DELAYS
from tests.support.concurrent_changes import comment, open_ticket, pick_up
from tests.support.webhook_deliveries import deliveries, run_sql
from tests.support.webhook_receiver import (
    PATIENCE_SECONDS,
    Receiver,
    Servers,
    accept,
    declare,
    entry_of_id,
    let_time_pass,
    webhook_state,
)


async def test_a_failed_delivery_is_attempted_again_until_it_is_dead(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.respond = lambda _: web.Response(status=500)
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    for attempt, delay in enumerate(RETRY_DELAYS, 1):
        await servers.deliver_due()
        [pending] = await deliveries(database)
        assert (pending["state"], pending["attempts"]) == ("pending", attempt)
        assert pending["last_result"] == "http_500"
        waits = await seconds_until_next_attempt(database)
        assert 0.8 * delay.total_seconds() - 3 < waits <= 1.2 * delay.total_seconds()
        await let_time_pass(database)
    with capture_logs() as logged:
        await servers.deliver_due()
    [dead] = await deliveries(database)
    assert (dead["state"], dead["attempts"], dead["last_result"]) == ("dead", 14, "http_500")
    assert receiver.entries == [f"{ticket.id}-1"] * 14
    [line] = logged
    assert line["event"] == "webhook delivery failed permanently"
    assert line["id"] == receiver.received[0].id


async def seconds_until_next_attempt(database: Database) -> float:
    [row] = await run_sql(
        database,
        "SELECT extract(epoch FROM next_attempt_at - now())::float8 AS seconds"
        " FROM webhook_deliveries",
    )
    seconds: float = row["seconds"]
    return seconds


async def test_no_attempt_is_made_before_its_delay_ends(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.respond = lambda _: web.Response(status=500)
    await declare(database, receiver.url)
    await open_ticket(store)
    await servers.deliver_due()
    await servers.deliver_due()
    assert len(receiver.received) == 1
    assert await webhook_state(database) == "failing"


async def test_later_changes_of_a_ticket_wait_and_other_tickets_do_not(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    stuck, other = await open_ticket(store), await open_ticket(store)
    await pick_up(store, stuck)
    await pick_up(store, other)
    receiver.respond = lambda request: web.Response(
        status=500 if request.event["subject"] == stuck.id else 200
    )
    await servers.deliver_due(4)
    assert sorted(receiver.entries) == sorted([f"{stuck.id}-1", f"{other.id}-1", f"{other.id}-2"])
    receiver.respond = accept
    await let_time_pass(database)
    await servers.deliver_due(4)
    assert receiver.entries[3:] == [f"{stuck.id}-1", f"{stuck.id}-2"]


async def test_a_receiver_that_asks_to_wait_is_paused(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.respond = lambda _: web.Response(status=429, headers={"Retry-After": "3600"})
    await declare(database, receiver.url)
    await open_ticket(store)
    await servers.deliver_due()
    await open_ticket(store)
    await servers.deliver_due(2)
    assert len(receiver.received) == 1
    assert await webhook_state(database) == "paused"
    receiver.respond = accept
    await let_time_pass(database)
    await servers.deliver_due(2)
    assert len(receiver.received) == 3


async def test_a_receiver_that_is_gone_is_called_again_after_its_declaration_changes(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.respond = lambda _: web.Response(status=410)
    await declare(database, receiver.url)
    gone = await open_ticket(store)
    await servers.deliver_due()
    [dead] = await deliveries(database)
    assert (dead["state"], dead["last_result"]) == ("dead", "http_410")
    receiver.respond = accept
    later = await open_ticket(store)
    await servers.deliver_due()
    assert receiver.entries == [f"{gone.id}-1"]
    assert await webhook_state(database) == "disabled"
    await declare(database, receiver.url + "/new")
    await servers.deliver_due(2)
    assert receiver.entries == [f"{gone.id}-1", f"{later.id}-1"]


async def test_dead_letters_are_sent_again_on_request(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.respond = lambda _: web.Response(status=410)
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    await servers.deliver_due()
    receiver.respond = accept
    assert await retry_deliveries(database, "chat", dead=False) == 0
    assert await retry_deliveries(database, "chat", dead=True) == 1
    await servers.deliver_due()
    assert receiver.entries == [f"{ticket.id}-1"] * 2
    [delivery] = await deliveries(database)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)


async def test_a_redirect_is_not_followed(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.respond = lambda _: web.Response(status=302, headers={"Location": receiver.url})
    await declare(database, receiver.url)
    await open_ticket(store)
    await servers.deliver_due()
    [delivery] = await deliveries(database)
    assert (delivery["state"], delivery["last_result"]) == ("pending", "http_302")
    assert len(receiver.received) == 1


async def test_an_internal_error_is_logged_and_the_work_is_repeated(
    servers: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
    owner: asyncpg.Connection,
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    await owner.execute("ALTER TABLE webhook_deliveries RENAME TO away")
    logged: list[MutableMapping[str, Any]]
    with capture_logs() as logged:
        async with servers.running():
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not logged:
                    await run_sql(database, "SELECT 1")
            await owner.execute("ALTER TABLE away RENAME TO webhook_deliveries")
            await receiver.wait_for(1)
    assert {each["event"] for each in logged} <= {
        *("webhook worker failed", "background task failed", "background task recovered"),
    }


async def test_a_change_without_an_event_fails_permanently_and_then_its_ticket_continues(
    servers: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
    owner: asyncpg.Connection,
) -> None:
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    await pick_up(store, ticket)
    await comment(store, ticket)
    await owner.execute("ALTER TABLE ticket_status_history DISABLE TRIGGER USER")
    await set_new_status(owner, "NOWHERE")
    for attempt in range(1, len(RETRY_DELAYS) + 2):
        await servers.deliver_due(3)
        unrenderable = (await deliveries(database))[1]
        assert (unrenderable["attempts"], unrenderable["last_result"]) == (attempt, "unrenderable")
        await let_time_pass(database)
    [dead_letter] = await list_dead_letters(database, "chat")
    assert (entry_of_id(dead_letter.id), dead_letter.result) == (f"{ticket.id}-2", "unrenderable")
    await set_new_status(owner, "IN_PROGRESS")
    await servers.deliver_due(3)
    assert receiver.entries == [f"{ticket.id}-1", f"{ticket.id}-3"]


async def set_new_status(owner: asyncpg.Connection, status: str) -> None:
    await owner.execute("UPDATE ticket_status_history SET new_value = $1 WHERE seq = 2", status)
