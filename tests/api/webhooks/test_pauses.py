"""Deliveries wait while they cannot be attempted."""

from dataclasses import replace

from engine.plugins import Plugin
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.webhooks.host_allowlist import NO_HOSTS
from tests.support.concurrent_changes import open_ticket
from tests.support.declared_resources import put_resources
from tests.support.personas import ADA
from tests.support.webhook_deliveries import deliveries, webhook
from tests.support.webhook_receiver import (
    Receiver,
    Servers,
    declare,
    run_once,
    webhook_state,
)


async def test_a_host_that_is_not_allowed_is_not_called(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    await Servers(database, servers.folder, NO_HOSTS).deliver_due()
    [delivery] = await deliveries(database)
    assert (delivery["state"], delivery["attempts"], receiver.received) == ("pending", 0, [])
    async with servers.running():
        await receiver.wait_for(1)


async def test_nothing_is_delivered_while_ticketing_is_off(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    worker = await servers.worker()
    await worker.plugins.toggle(ADA, Plugin.TICKETING, enabled=False)
    await run_once(worker)
    assert await deliveries(database) == []
    await worker.plugins.toggle(ADA, Plugin.TICKETING, enabled=True)
    await servers.deliver_due()
    assert len(receiver.received) == 1


async def test_a_retired_webhook_continues_at_its_position_when_it_is_declared_again(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    first = await open_ticket(store)
    await servers.deliver_due()
    await put_resources(
        database, [replace(webhook("chat", url=receiver.url, secretName="chat"), retired=True)]
    )
    meanwhile = await open_ticket(store)
    worker = await servers.worker()
    await run_once(worker)
    assert await webhook_state(database) == "retired"
    await declare(database, receiver.url)
    await servers.deliver_due(2)
    assert receiver.entries == [f"{first.id}-1", f"{meanwhile.id}-1"]
