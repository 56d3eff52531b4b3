"""The metrics count attempts, pending deliveries and dead letters."""

from aiohttp import web

from api.runtime.background_tasks import Supervisor
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from tests.support.concurrent_changes import open_ticket
from tests.support.webhook_receiver import (
    POLL_SECONDS,
    Receiver,
    Servers,
    declare,
    metric_values,
    wait_for_deliveries,
)


async def test_attempts_and_deliveries_are_counted(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    receiver.respond = lambda _: web.Response(status=410)
    await open_ticket(store)
    worker = await servers.worker()
    async with Supervisor().run(worker.tasks(POLL_SECONDS)):
        await wait_for_deliveries(database, "dead", 1)
    await worker.update_metrics()
    values = metric_values(worker)
    assert values["interlock_webhook_attempts_total", "dead"] == 1
    assert values["interlock_webhook_deliveries", "dead"] == 1
    assert values["interlock_webhook_deliveries", "pending"] == 0
