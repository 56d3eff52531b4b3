"""Servers share the work: at least once, and in order per ticket, even if a server is killed."""

import asyncio
import os
import random
import signal
from asyncio.subprocess import DEVNULL, Process
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

from aiohttp import web

from api.webhooks.worker import SLOTS
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.dead_letters import retry_deliveries
from engine.webhooks.host_allowlist import HostAllowlist
from tests.support.api_client import SECRET as TOKEN_SECRET
from tests.support.command import COMMAND, on
from tests.support.concurrent_changes import comment, edit, open_ticket, pick_up, reassign
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import Observer
from tests.support.webhook_deliveries import webhook
from tests.support.webhook_receiver import (
    PATIENCE_SECONDS,
    POLL_SECONDS,
    Received,
    Receiver,
    Servers,
    accept,
    declare,
    let_time_pass,
    open_receiver,
    wait_for_deliveries,
)


async def test_an_interrupted_delivery_is_attempted_again_after_its_claim_expires(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    stopped = asyncio.Event()
    await declare(database, receiver.url)
    ticket = await open_ticket(store)
    await pick_up(store, ticket)
    async with servers.running():
        receiver.hold = stopped
        await receiver.wait_for(1)
    stopped.set()
    [first, second] = await wait_for_deliveries(database, "pending", 2)
    assert (first["attempts"], second["attempts"]) == (1, 0)
    await servers.deliver_due()
    assert receiver.entries == [f"{ticket.id}-1"]
    await let_time_pass(database)
    await servers.deliver_due()
    assert receiver.entries == [f"{ticket.id}-{seq}" for seq in (1, 1, 2)]
    assert receiver.received[0].body == receiver.received[1].body


@asynccontextmanager
async def serving(servers: Servers, url: str, hosts: str) -> AsyncIterator[Process]:
    """Run `interlock serve` until it is killed, or to the end of the block."""
    settings = on(url) | {
        "INTERLOCK_JWT_SECRET": TOKEN_SECRET.get_secret_value(),
        "INTERLOCK_PORT": "0",
        "INTERLOCK_WEBHOOK_HOSTS": hosts,
        "INTERLOCK_WEBHOOK_SECRETS_DIR": str(servers.folder),
    }
    process = await asyncio.create_subprocess_exec(
        COMMAND, "serve", env=os.environ | settings, stdout=DEVNULL
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_killed_server_loses_no_delivery_and_no_order(
    servers: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
    database_url: str,
    observer: Observer,
) -> None:
    """The server is killed after the receiver accepted an event and before the response."""
    await declare(database, receiver.url)
    tickets = [await open_ticket(store) for _ in range(3)]
    for ticket in tickets:
        await pick_up(store, ticket)
        await comment(store, ticket)
    async with serving(servers, database_url, receiver.origin) as victim:

        def accept_and_kill(request: Received) -> web.Response:
            if len(receiver.received) >= 5 and not interrupted:
                interrupted.append(request.entry)
                victim.kill()
            return accept(request)

        interrupted: list[str] = []
        receiver.respond = accept_and_kill
        async with asyncio.timeout(PATIENCE_SECONDS):
            await victim.wait()
    assert victim.returncode == -signal.SIGKILL
    await observer.wait_for(1, "backend_type = 'client backend'")
    await let_time_pass(database)
    async with servers.running():
        await wait_for_deliveries(database, "delivered", 9)
    assert receiver.entries.count(interrupted[0]) == 2
    assert len({each.body for each in receiver.received}) == 9
    assert {
        ticket: sorted(set(seqs)) for ticket, seqs in delivered_seqs(receiver.entries).items()
    } == {each.id: [1, 2, 3] for each in tickets}
    assert all(seqs == sorted(seqs) for seqs in delivered_seqs(receiver.entries).values())


def delivered_seqs(ids: Iterable[str]) -> dict[str, list[int]]:
    """Return the delivered entries of each ticket in the order of their delivery."""
    seqs: dict[str, list[int]] = defaultdict(list)
    for ticket, _, seq in (each.partition("-") for each in ids):
        seqs[ticket].append(int(seq))
    return seqs


async def test_three_servers_deliver_everything_once_and_in_order(
    servers: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
    database_url: str,
) -> None:
    """Every third request fails at first; failed deliveries are retried at once to save time."""
    await declare(database, receiver.url)
    failing = random.Random(7)  # noqa: S311 - a test repeats itself
    failed: set[str] = set()
    accepted: list[str] = []

    def accept_most(request: Received) -> web.Response:
        if request.id not in failed and failing.random() < 1 / 3:
            failed.add(request.id)
            return web.Response(status=503)
        accepted.append(request.entry)
        return web.Response()

    receiver.respond = accept_most
    changes = (comment, edit, reassign, comment, comment)
    async with servers.running([database_url] * 3):
        tickets = [await open_ticket(store) for _ in range(10)]
        for change in changes:
            await asyncio.gather(*(change(store, each) for each in tickets))
        expected = len(tickets) * (len(changes) + 2)  # an edit is two entries
        async with asyncio.timeout(PATIENCE_SECONDS):
            while len(accepted) < expected:
                await retry_deliveries(database, "chat", dead=False)
                await asyncio.sleep(POLL_SECONDS)
        await wait_for_deliveries(database, "delivered", expected)
    assert failed
    assert delivered_seqs(accepted) == {each.id: list(range(1, 8)) for each in tickets}


async def test_a_slow_receiver_delays_no_other(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    async with open_receiver() as slow:
        slow.hold = asyncio.Event()
        both = f"{receiver.origin} {slow.origin}"
        named = {"slow": slow.url, "chat": receiver.url}
        await put_resources(
            database,
            [webhook(name, url=url, secretName="chat") for name, url in named.items()],
        )
        async with Servers(database, servers.folder, HostAllowlist.parse(both)).running():
            for _ in range(10):
                await open_ticket(store)
            await receiver.wait_for(10)
            await slow.wait_for(SLOTS)
        assert len(slow.received) == SLOTS
        slow.hold.set()
