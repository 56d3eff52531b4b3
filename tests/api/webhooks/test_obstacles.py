"""Servers of different settings: who can call does, and the state is true of all of them."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web
from structlog.testing import capture_logs
from structlog.typing import EventDict

from api.webhooks.worker import WebhookWorker
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.webhooks.host_allowlist import NO_HOSTS
from tests.support.concurrent_changes import comment, open_ticket
from tests.support.webhook_receiver import (
    Receiver,
    Servers,
    declare,
    deliveries,
    let_time_pass,
    let_work_wait,
    look_for_work,
    rows,
    see,
    state_of_the_only,
)

TICKETS = 10


@pytest.fixture
def without_the_host(servers: Servers) -> Servers:
    return Servers(servers.database, servers.folder, NO_HOSTS)


@pytest.fixture
def without_the_secret(servers: Servers) -> Servers:
    return Servers(servers.database, Path("/nowhere"), servers.hosts)


@pytest.fixture(autouse=True)
def logged() -> Iterator[list[EventDict]]:
    with capture_logs() as entries:
        yield entries


async def test_who_can_call_does_and_who_can_not_says_nothing_about_it(
    servers: Servers,
    without_the_host: Servers,
    without_the_secret: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
) -> None:
    await declare(database, receiver.url)
    async with without_the_host.at_work(), servers.at_work(), without_the_secret.at_work():
        for number in range(TICKETS):
            ticket = await open_ticket(store)
            await comment(store, ticket)
            assert await state_of_the_only(database) == "working"
            await see(database, "delivered", 2 * (number + 1))
    assert len(receiver.received) == 2 * TICKETS


async def test_only_when_nobody_has_called_for_a_while_it_is_said_why(
    servers: Servers,
    without_the_host: Servers,
    without_the_secret: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    blind, mute = await without_the_host.courier(), await without_the_secret.courier()
    await until_something_is_owed(database, blind)
    assert await state_of_the_only(database) == "working"
    await let_work_wait(database)
    await look_for_work(blind)
    await look_for_work(mute)
    assert await state_of_the_only(database) == "host_not_allowed"
    await let_work_wait(database)
    await look_for_work(mute)
    assert await state_of_the_only(database) == "secret_missing"
    await servers.make_rounds()
    assert (await state_of_the_only(database), len(receiver.received)) == ("working", 1)


async def test_what_a_receiver_refuses_is_its_own_failure_whatever_another_server_lacks(
    servers: Servers,
    without_the_host: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
) -> None:
    receiver.answer = lambda _: web.Response(status=500)
    await declare(database, receiver.url)
    await open_ticket(store)
    await servers.make_rounds()
    await let_time_pass(database)
    await look_for_work(await without_the_host.courier())
    assert await state_of_the_only(database) == "failing"


async def test_work_that_was_held_back_has_waited_for_nobody(
    without_the_host: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    blind = await without_the_host.courier()
    await until_something_is_owed(database, blind)
    await let_work_wait(database)
    await rows(database, "UPDATE webhooks SET paused_until = now()")
    await look_for_work(blind)
    assert await state_of_the_only(database) == "working"


async def test_a_server_tells_its_own_log_once_what_it_lacks(
    without_the_host: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
    logged: list[EventDict],
) -> None:
    await declare(database, receiver.url)
    await open_ticket(store)
    blind = await without_the_host.courier()
    await until_something_is_owed(database, blind)
    for _ in range(3):
        await look_for_work(blind)
    assert [(each["event"], each["name"], each["why"]) for each in logged] == [
        ("this server can't call a webhook", "chat", "host_not_allowed")
    ]


async def until_something_is_owed(database: Database, courier: WebhookWorker) -> None:
    """Have a server look for work until what happened is spread: the log may be a moment late."""
    while not await deliveries(database):
        await look_for_work(courier)
