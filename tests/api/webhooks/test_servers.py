"""Servers share the work: at least once, in order per ticket, whoever dies or dawdles."""

import asyncio
import random
from collections import defaultdict

from aiohttp import web

from api.webhooks.couriers import LANES
from engine.storage.database import Database
from engine.storage.ticket_store import TicketStore
from engine.storage.webhook_reports import retry_deliveries
from engine.webhooks.hosts import HostList
from tests.api.webhooks.receiving import (
    AT_ONCE,
    PATIENCE_SECONDS,
    Received,
    Receiver,
    Servers,
    chat_at,
    declare,
    let_time_pass,
    receiving,
    see,
    webhooks,
)
from tests.declared import put
from tests.engine.storage.changes import comment, edit, hand_over, open_ticket, pick_up


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
