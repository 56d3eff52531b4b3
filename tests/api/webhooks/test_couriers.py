"""Receivers are told what happens to tickets: signed, at least once, in order per ticket."""

import asyncio
import hmac
import random
from base64 import b64decode, b64encode
from collections import defaultdict
from collections.abc import MutableMapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from api.background import in_background
from api.webhooks.couriers import LANES
from engine.plugins import Plugin
from engine.storage.database import Database
from engine.storage.ticket_reads import histories, read_version
from engine.storage.ticket_store import TicketStore
from engine.storage.webhook_reports import retry_deliveries, webhook_reports
from engine.tickets.history import canonical_moment
from engine.tickets.requests import CommentTicket
from engine.webhooks.attempts import DELAYS
from engine.webhooks.hosts import NO_HOSTS, HostList
from tests.api.webhooks.receiving import (
    AT_ONCE,
    OTHER_SECRET,
    PATIENCE_SECONDS,
    SECRET,
    Received,
    Receiver,
    Servers,
    chat_at,
    declare,
    deliveries,
    let_time_pass,
    receiving,
    rows,
    see,
    take,
    webhooks,
)
from tests.declared import put
from tests.engine.storage.changes import comment, edit, hand_over, open_ticket, pick_up
from tests.people import ADA, MARTON


def is_signed_with(secret: str, request: Received) -> bool:
    """Verify as the specification tells a receiver to."""
    id_, at = request.headers["webhook-id"], request.headers["webhook-timestamp"]
    key = b64decode(secret.removeprefix("whsec_"))
    mac = hmac.new(key, f"{id_}.{at}.".encode() + request.body, "sha256").digest()
    wanted = f"v1,{b64encode(mac).decode()}"
    given = request.headers["webhook-signature"].split(" ")
    return any(hmac.compare_digest(wanted, each) for each in given)


async def test_a_change_is_told_as_a_signed_cloud_event(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    await pick_up(store, ticket)
    async with servers.at_work():
        await receiver.has(2)
    request = receiver.received[1]
    assert is_signed_with(SECRET, request)
    assert not is_signed_with(OTHER_SECRET, request)
    assert request.headers["content-type"] == "application/cloudevents+json"
    entry = (await histories(database, [ticket.id]))[ticket.id][1]
    [place] = await rows(
        database, "SELECT transaction, entry FROM ticket_status_history WHERE seq = 2"
    )
    assert request.event == {
        "specversion": "1.0",
        "id": f"{ticket.id}-2",
        "source": "/interlock/tickets",
        "type": "ticket.transitioned",
        "subject": ticket.id,
        "time": canonical_moment(entry.at),
        "datacontenttype": "application/json",
        "data": {
            "position": f"{place['transaction']}-{place['entry']}",
            "version": 2,
            "actor": MARTON.id,
            "from": "OPEN",
            "to": "IN_PROGRESS",
            "ticket": {
                "id": ticket.id,
                "title": "Payments fail",
                "status": "IN_PROGRESS",
                "priority": "MEDIUM",
                "workflow": "incident_response",
                "requester": "u_b1",
                "assignee": "u_c4",
                "assigneeGroup": None,
                "item": None,
                "service": None,
                "createdAt": canonical_moment(ticket.created_at),
            },
        },
    }
    assert request.id == request.event["id"]


async def test_an_event_shows_its_ticket_as_it_was_then(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    for change in (comment, edit, hand_over):
        await change(store, ticket)
    async with servers.at_work():
        await receiver.has(5)
    for each in (request.event for request in receiver.received):
        then = await read_version(database, ticket.id, each["data"]["version"])
        shown = each["data"]["ticket"]
        assert shown["title"] == then.title
        assert (shown["priority"], shown["assignee"]) == (then.priority, then.assignee)


async def test_only_what_is_declared_is_told(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url, "ticket.commented", "ticket.priority_changed")
    ticket = await open_ticket(store)
    for change in (comment, edit, pick_up, hand_over):
        await change(store, ticket)
    async with servers.at_work():
        await see(database, "delivered", 2)
    assert receiver.types == ["ticket.commented", "ticket.priority_changed"]
    assert receiver.received[0].event["data"]["to"] == "Looking"


async def test_the_text_of_an_internal_note_is_never_told(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    await declare(database, receiver.url)
    form = CommentTicket.checked(ticket=ticket.id, text="The card is stolen", internal=True)
    await store.comment(MARTON, form)
    async with servers.at_work():
        await receiver.has(1)
    assert receiver.types == ["ticket.noted"]
    assert receiver.received[0].event["data"]["to"] is None
    assert b"stolen" not in receiver.received[0].body


async def test_while_a_secret_takes_the_place_of_another_both_sign(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    file = servers.folder / "chat"
    file.unlink()
    file.mkdir()
    for name, secret in {"new": OTHER_SECRET, "old": f"{SECRET}\n", "..data": "no secret"}.items():
        (file / name).write_text(secret)
    await declare(database, receiver.url)
    await open_ticket(store)
    async with servers.at_work():
        await receiver.has(1)
    assert all(is_signed_with(each, receiver.received[0]) for each in (SECRET, OTHER_SECRET))


# --- what lacks ---------------------------------------------------------------------------------


async def test_a_host_that_is_not_listed_is_not_called(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    refused = Servers(database, servers.folder, NO_HOSTS)
    async with refused.at_work():
        await see_state(database, "host_not_allowed")
    [delivery] = await deliveries(database)
    assert (delivery["state"], delivery["attempts"], receiver.received) == ("pending", 0, [])
    async with servers.at_work():
        await receiver.has(1)
        await see_state(database, "working")


def no_folder(file: Path) -> None:
    file.unlink()


def no_secret(file: Path) -> None:
    file.write_text(" \n")


def another_text(file: Path) -> None:
    file.write_text(f"{SECRET} or so")


def too_many(file: Path) -> None:
    file.write_text("\n".join([SECRET] * 6))


def no_text(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")


SPOILED = {
    "secret_missing": (no_folder, no_secret),
    "secret_unusable": (another_text, too_many, no_text),
}


@pytest.mark.parametrize(
    ("state", "spoil"), [(state, each) for state, found in SPOILED.items() for each in found]
)
async def test_without_a_secret_nothing_is_called(
    servers: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
    state: str,
    spoil: object,
) -> None:
    assert callable(spoil)
    spoil(servers.folder / "chat")
    await declare(database, receiver.url)
    await open_ticket(store)
    with capture_logs() as logged:
        async with servers.at_work():
            await see_state(database, state)
    assert receiver.received == []
    assert SECRET not in str(logged)


async def see_state(database: Database, state: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while [each.state for each in await webhook_reports(database)] != [state]:
            pass


# --- what fails ---------------------------------------------------------------------------------


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


# --- servers that die, and servers side by side -------------------------------------------------


async def test_what_a_server_had_sent_when_it_died_is_sent_again_under_the_same_id(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    killed = asyncio.Event()
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    await pick_up(store, ticket)
    async with servers.at_work():
        receiver.hold = killed
        await receiver.has(1)
    killed.set()
    [first, second] = await see(database, "pending", 2)
    assert (first["attempts"], second["attempts"]) == (1, 0)
    await servers.make_rounds()
    assert receiver.ids == [f"{ticket.id}-1"]
    await let_time_pass(database)
    await servers.make_rounds()
    assert receiver.ids == [f"{ticket.id}-{seq}" for seq in (1, 1, 2)]
    assert receiver.received[0].body == receiver.received[1].body


async def test_three_servers_tell_everything_once_and_in_order(
    servers: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
    database_url: str,
) -> None:
    """Every third call fails at first; what fails is hastened, so that nobody waits for long."""
    await declare(database, receiver.url)
    failing = random.Random(7)  # noqa: S311 - a test repeats itself
    failed: set[str] = set()
    taken: list[str] = []

    def take_most(request: Received) -> web.Response:
        if request.id not in failed and failing.random() < 1 / 3:
            failed.add(request.id)
            return web.Response(status=503)
        taken.append(request.id)
        return web.Response()

    receiver.answer = take_most
    changes = (comment, edit, hand_over, comment, comment)
    async with servers.at_work([database_url] * 3):
        tickets = [await open_ticket(store) for _ in range(10)]
        for change in changes:
            await asyncio.gather(*(change(store, each) for each in tickets))
        told = len(tickets) * (len(changes) + 2)  # an edit is two entries
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(taken) < told:
                await retry_deliveries(database, "chat", dead=False)
                await asyncio.sleep(AT_ONCE)
        await see(database, "delivered", told)
    assert failed
    in_order: dict[str, list[int]] = defaultdict(list)
    for ticket, _, seq in (each.partition("-") for each in taken):
        in_order[ticket].append(int(seq))
    assert set(in_order) == {each.id for each in tickets}
    assert all(seqs == list(range(1, 8)) for seqs in in_order.values())


async def test_a_slow_receiver_keeps_no_other_waiting(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    async with receiving() as slow:
        slow.hold = asyncio.Event()
        both = f"{receiver.url.removesuffix('/hook')} {slow.url.removesuffix('/hook')}"
        named = {"slow": slow.url, "chat": receiver.url}
        declared = [chat_at(url) | {"name": name} for name, url in named.items()]
        await put(database, webhooks(*declared))
        async with Servers(database, servers.folder, HostList.of(both)).at_work():
            for _ in range(10):
                await open_ticket(store)
            await receiver.has(10)
            await slow.has(LANES)
        assert len(slow.received) == LANES
        slow.hold.set()


# --- pauses -------------------------------------------------------------------------------------


async def test_while_ticketing_is_off_nothing_is_told(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    courier = await servers.courier()
    await courier.plugins.toggle(ADA, Plugin.TICKETING, enabled=False)
    async with asyncio.TaskGroup() as tasks:
        await courier.send_out(tasks)
    assert await deliveries(database) == []
    await courier.plugins.toggle(ADA, Plugin.TICKETING, enabled=True)
    await servers.make_rounds()
    assert len(receiver.received) == 1


async def test_a_retired_webhook_goes_on_where_it_was_when_it_is_declared_again(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    first = await open_ticket(store)
    await servers.make_rounds()
    await put(database, [replace(each, retired=True) for each in webhooks(chat_at(receiver.url))])
    meanwhile = await open_ticket(store)
    courier = await servers.courier()
    async with asyncio.TaskGroup() as tasks:
        await courier.send_out(tasks)
    assert (await webhook_reports(database))[0].state == "retired"
    await declare(database, receiver.url)
    await servers.make_rounds(until=2)
    assert receiver.ids == [f"{first.id}-1", f"{meanwhile.id}-1"]


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


async def test_the_metrics_tell_what_is_owed(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    receiver.answer = lambda _: web.Response(status=410)
    await open_ticket(store)
    courier = await servers.courier()
    async with in_background(courier.go_on(AT_ONCE)):
        await see(database, "dead", 1)
    await courier.take_count()
    samples = {
        (each.name, each.labels.get("state") or each.labels.get("outcome")): each.value
        for collector in courier.metrics.collectors
        for family in collector.collect()
        for each in family.samples
    }
    assert samples["interlock_webhook_attempts_total", "given_up"] == 1
    assert samples["interlock_webhook_deliveries", "dead"] == 1
    assert samples["interlock_webhook_deliveries", "pending"] == 0
