"""Servers with different settings: a blocked server leaves deliveries to the others."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from structlog.typing import EventDict

from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.webhooks.host_allowlist import NO_HOSTS
from tests.support.concurrent_changes import comment, open_ticket
from tests.support.declared_resources import put_resources
from tests.support.webhook_deliveries import deliveries, run_sql, webhook
from tests.support.webhook_receiver import (
    SECRET,
    Receiver,
    Servers,
    declare,
    deliver_due,
    let_time_pass,
    metric_values,
    run_once,
    wait_for_deliveries,
    webhook_state,
)

TICKETS = 10
BLOCKED = "interlock_webhook_blocked"


@pytest.fixture
def without_host(servers: Servers) -> Servers:
    return Servers(servers.database, servers.folder, NO_HOSTS)


@pytest.fixture
def without_secret(servers: Servers) -> Servers:
    return Servers(servers.database, Path("/nowhere"), servers.hosts)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as entries:
        yield entries


async def test_a_blocked_server_leaves_deliveries_to_a_server_that_is_not(
    servers: Servers,
    without_host: Servers,
    without_secret: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
) -> None:
    await declare(database, receiver.url)
    async with without_host.running(), servers.running(), without_secret.running():
        for number in range(TICKETS):
            ticket = await open_ticket(store)
            await comment(store, ticket)
            assert await webhook_state(database) == "working"
            await wait_for_deliveries(database, "delivered", 2 * (number + 1))
    assert len(receiver.received) == 2 * TICKETS


async def test_a_blocked_server_spends_no_attempts_and_writes_no_state(
    servers: Servers,
    without_host: Servers,
    without_secret: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    for blocked in (without_host, without_secret):
        await blocked.deliver_due()
        [delivery] = await deliveries(database)
        assert (delivery["attempts"], delivery["claimed_until"]) == (0, None)
        assert await webhook_state(database) == "working"
    await run_sql(
        database, "UPDATE webhook_deliveries SET next_attempt_at = now() - interval '1min'"
    )
    await without_secret.deliver_due()
    assert await webhook_state(database) == "delayed"
    await servers.deliver_due()
    assert (await webhook_state(database), len(receiver.received)) == ("working", 1)


async def test_a_failed_delivery_is_shown_as_failing_whatever_another_server_lacks(
    servers: Servers,
    without_host: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
) -> None:
    receiver.respond = lambda _: web.Response(status=500)
    await declare(database, receiver.url)
    await open_ticket(store)
    await servers.deliver_due()
    await let_time_pass(database)
    await without_host.deliver_due()
    assert await webhook_state(database) == "failing"


async def test_each_server_reports_once_what_it_lacks_itself(
    without_host: Servers,
    without_secret: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
    logged: list[EventDict],
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    reasons = {"host_not_allowed": without_host, "secret_missing": without_secret}
    for reason, server in reasons.items():
        logged.clear()
        worker = await server.worker()
        await deliver_due(worker)
        for _ in range(3):
            await run_once(worker)
            await worker.update_metrics()
        assert blocked_metrics(metric_values(worker)) == {reason: 1}
        assert [(each["event"], each["webhook"], each["reason"]) for each in logged] == [
            ("webhook blocked on this server", "chat", reason)
        ]


async def test_the_metric_follows_the_settings_also_without_deliveries(
    servers: Servers, receiver: Receiver, database: Database
) -> None:
    file = servers.folder / "chat"
    file.unlink()
    await declare(database, receiver.url)
    worker = await servers.worker()
    for text, expected in (
        (None, {"secret_missing": 1}),
        ("no secret", {"secret_invalid": 1}),
        (SECRET, {}),
        ("no secret", {"secret_invalid": 1}),
    ):
        if text is not None:
            file.write_text(text)
        await worker.update_metrics()
        assert blocked_metrics(metric_values(worker)) == expected
    await put_resources(database, [replace(webhook("chat"), retired=True)])
    await worker.update_metrics()
    assert blocked_metrics(metric_values(worker)) == {}


def blocked_metrics(values: dict[tuple[str, str], float]) -> dict[str, float]:
    """Return the value of the metric of blocked webhooks by reason."""
    return {reason: value for (name, reason), value in values.items() if name == BLOCKED}
