"""What fails is attempted again, later and later, until it is delivered or given up."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from aiohttp import web
from structlog.testing import capture_logs

from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.dead_letters import dead_letters, retry_deliveries
from engine.storage.webhooks.status import webhook_reports
from engine.webhooks.retry_policy import DELAYS
from tests.support.concurrent_changes import comment, open_ticket, pick_up
from tests.support.webhook_receiver import (
    PATIENCE_SECONDS,
    Receiver,
    Servers,
    declare,
    deliveries,
    let_time_pass,
    rows,
    take,
)


async def test_what_fails_is_attempted_again_until_it_is_given_up(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.answer = lambda _: web.Response(status=500)
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    for attempt, delay in enumerate(DELAYS, 1):
        await servers.make_rounds()
        [waiting] = await deliveries(database)
        assert (waiting["state"], waiting["attempts"]) == ("pending", attempt)
        assert waiting["last_answer"] == "http_500"
        waits = await seconds_until_next_attempt(database)
        assert 0.8 * delay.total_seconds() - 3 < waits <= 1.2 * delay.total_seconds()
        await let_time_pass(database)
    with capture_logs() as logged:
        await servers.make_rounds()
    [dead] = await deliveries(database)
    assert (dead["state"], dead["attempts"], dead["last_answer"]) == ("dead", 14, "http_500")
    assert receiver.ids == [f"{ticket.id}-1"] * 14
    [line] = logged
    assert (line["event"], line["id"]) == ("a delivery was given up", f"{ticket.id}-1")


async def seconds_until_next_attempt(database: Database) -> float:
    [row] = await rows(
        database,
        "SELECT extract(epoch FROM next_attempt_at - now())::float8 AS seconds"
        " FROM webhook_deliveries",
    )
    seconds: float = row["seconds"]
    return seconds


async def test_nothing_is_sent_before_its_time(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.answer = lambda _: web.Response(status=500)
    await declare(database, receiver.url)
    await open_ticket(store)
    await servers.make_rounds()
    await servers.make_rounds()
    assert len(receiver.received) == 1
    assert (await webhook_reports(database))[0].state == "failing"


async def test_later_changes_of_a_ticket_wait_for_the_earlier_and_others_do_not(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    stuck, other = await open_ticket(store), await open_ticket(store)
    await pick_up(store, stuck)
    await pick_up(store, other)
    receiver.answer = lambda request: web.Response(
        status=500 if request.event["subject"] == stuck.id else 200
    )
    await servers.make_rounds(until=4)
    assert sorted(receiver.ids) == sorted([f"{stuck.id}-1", f"{other.id}-1", f"{other.id}-2"])
    receiver.answer = take
    await let_time_pass(database)
    await servers.make_rounds(until=4)
    assert receiver.ids[3:] == [f"{stuck.id}-1", f"{stuck.id}-2"]


async def test_a_receiver_that_asks_for_time_is_left_alone(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.answer = lambda _: web.Response(status=429, headers={"Retry-After": "3600"})
    await declare(database, receiver.url)
    await open_ticket(store)
    await servers.make_rounds()
    await open_ticket(store)
    await servers.make_rounds(until=2)
    assert len(receiver.received) == 1
    assert (await webhook_reports(database))[0].state == "held"
    receiver.answer = take
    await let_time_pass(database)
    await servers.make_rounds(until=2)
    assert len(receiver.received) == 3


async def test_a_receiver_that_is_gone_is_called_again_when_it_is_declared_anew(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.answer = lambda _: web.Response(status=410)
    await declare(database, receiver.url)
    gone = await open_ticket(store)
    await servers.make_rounds()
    [dead] = await deliveries(database)
    assert (dead["state"], dead["last_answer"]) == ("dead", "http_410")
    receiver.answer = take
    later = await open_ticket(store)
    await servers.make_rounds()
    assert receiver.ids == [f"{gone.id}-1"]
    assert (await webhook_reports(database))[0].state == "gone"
    await declare(database, receiver.url + "/new")
    await servers.make_rounds(until=2)
    assert receiver.ids == [f"{gone.id}-1", f"{later.id}-1"]


async def test_what_was_given_up_is_sent_again_when_somebody_asks_for_it(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.answer = lambda _: web.Response(status=410)
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    await servers.make_rounds()
    receiver.answer = take
    assert await retry_deliveries(database, "chat", dead=False) == 0
    assert await retry_deliveries(database, "chat", dead=True) == 1
    await servers.make_rounds()
    assert receiver.ids == [f"{ticket.id}-1"] * 2
    [delivery] = await deliveries(database)
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 1)


async def test_a_redirect_is_not_followed(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    receiver.answer = lambda _: web.Response(status=302, headers={"Location": receiver.url})
    await declare(database, receiver.url)
    await open_ticket(store)
    await servers.make_rounds()
    [delivery] = await deliveries(database)
    assert (delivery["state"], delivery["last_answer"]) == ("pending", "http_302")
    assert len(receiver.received) == 1


async def test_whatever_else_fails_is_told_and_attempted_again(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    await rows(database, "ALTER TABLE webhook_deliveries RENAME TO away")
    logged: list[MutableMapping[str, Any]]
    with capture_logs() as logged:
        async with servers.at_work():
            async with asyncio.timeout(PATIENCE_SECONDS):
                while not logged:
                    await rows(database, "SELECT 1")
            await rows(database, "ALTER TABLE away RENAME TO webhook_deliveries")
            await receiver.has(1)
    assert {each["event"] for each in logged} == {"webhooks could not be worked on"}


async def test_what_makes_no_message_fails_like_any_other_and_holds_up_its_ticket_no_longer(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    await pick_up(store, ticket)
    await comment(store, ticket)
    await rows(database, "ALTER TABLE ticket_status_history DISABLE TRIGGER USER")
    await record_as_the_new_status(database, "NOWHERE")
    for attempt in range(1, len(DELAYS) + 2):
        await servers.make_rounds(until=3)
        untellable = (await deliveries(database))[1]
        assert (untellable["attempts"], untellable["last_answer"]) == (attempt, "unrenderable")
        await let_time_pass(database)
    [letter] = await dead_letters(database, "chat")
    assert (letter.id, letter.answer) == (f"{ticket.id}-2", "unrenderable")
    await record_as_the_new_status(database, "IN_PROGRESS")
    await servers.make_rounds(until=3)
    assert receiver.ids == [f"{ticket.id}-1", f"{ticket.id}-3"]


async def record_as_the_new_status(database: Database, status: str) -> None:
    await rows(
        database,
        f"UPDATE ticket_status_history SET new_value = '{status}' WHERE seq = 2",  # noqa: S608
    )
