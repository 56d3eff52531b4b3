"""What may not be told now is told when it may be."""

import asyncio
from dataclasses import replace

from engine.plugins import Plugin
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.storage.webhooks.status import webhook_reports
from engine.webhooks.host_allowlist import NO_HOSTS
from tests.support.concurrent_changes import open_ticket
from tests.support.declared_resources import put
from tests.support.people import ADA
from tests.support.webhook_receiver import (
    Receiver,
    Servers,
    chat_at,
    declare,
    deliveries,
    see_state,
    webhooks,
)


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
