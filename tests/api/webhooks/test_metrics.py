"""The metrics tell what was attempted, and what is owed."""

from aiohttp import web

from api.runtime.jobs import run_in_background
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from tests.support.concurrent_changes import open_ticket
from tests.support.webhook_receiver import AT_ONCE, Receiver, Servers, declare, see


async def test_the_metrics_tell_what_is_owed(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    receiver.answer = lambda _: web.Response(status=410)
    await open_ticket(store)
    courier = await servers.courier()
    async with run_in_background(courier.go_on(AT_ONCE)):
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
