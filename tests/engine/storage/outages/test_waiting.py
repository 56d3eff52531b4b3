"""Services that wait: handled once nothing blocks them, by any server, despite failures."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from engine.errors import Unavailable
from engine.outages.policy import OutageAction, WaitReason
from engine.plugins import Plugin
from engine.storage.outages.waiting import handle_waiting_services
from engine.storage.postgres.database import Database, open_database
from engine.storage.resources.plugins import set_plugin_enabled
from engine.storage.tickets.reader import read_ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Status
from tests.support.concurrent_changes import flaws
from tests.support.declared_resources import DEFAULTS, put_resources
from tests.support.lock_gates import AT_COMMIT, BEFORE_INSERT, Observer
from tests.support.monitored_services import (
    PATH,
    declare_service,
    outage_tickets,
    record,
    report,
    service,
)
from tests.support.personas import ADA

[INCIDENT_RESPONSE] = [each for each in DEFAULTS if each.key.name == "incident_response"]


async def test_a_ticket_is_opened_when_the_hold_down_is_over(
    database: Database, observer: Observer
) -> None:
    await declare_service(database, holdDown="2m")
    result = await report(database, "DOWN")
    assert (result.action, result.wait_reason) == (OutageAction.WAIT, WaitReason.HOLD_DOWN)
    assert await handle_waiting_services(database) == 0
    await observer.connection.execute("UPDATE service_health SET since = since - interval '2m'")
    assert await handle_waiting_services(database) == 1
    assert await handle_waiting_services(database) == 0
    assert len(await outage_tickets(database)) == 1


async def test_a_service_waits_until_its_retired_workflow_is_declared_again(
    database: Database,
) -> None:
    await declare_service(database)
    await put_resources(database, [replace(INCIDENT_RESPONSE, retired=True)])
    result = await report(database, "DOWN")
    assert (result.action, result.wait_reason) == (OutageAction.WAIT, WaitReason.WORKFLOW_RETIRED)
    assert await handle_waiting_services(database) == 0
    await put_resources(database, [INCIDENT_RESPONSE])
    assert await handle_waiting_services(database) == 1
    ticket = (await report(database, "DOWN")).ticket
    await put_resources(database, [replace(INCIDENT_RESPONSE, retired=True)])
    result = await report(database, "OPERATIONAL")
    assert (result.action, result.wait_reason) == (OutageAction.WAIT, WaitReason.WORKFLOW_RETIRED)
    assert await handle_waiting_services(database) == 0
    await put_resources(database, [INCIDENT_RESPONSE])
    assert await handle_waiting_services(database) == 1
    assert (await read_ticket(database, SYSTEM_VIEWER, str(ticket))).status is Status.CLOSED


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"autoTicket": False}, WaitReason.AUTO_TICKET_OFF),
        ({"retired": True}, WaitReason.SERVICE_RETIRED),
    ],
)
async def test_a_service_that_opens_no_tickets_still_closes_its_last_one(
    database: Database, changed: dict[str, bool], reason: WaitReason
) -> None:
    await declare_service(database)
    ticket = (await report(database, "DOWN")).ticket
    auto_ticket = changed.get("autoTicket", True)
    now = replace(service(autoTicket=auto_ticket), retired="retired" in changed)
    await put_resources(database, [now])
    assert (await report(database, "OPERATIONAL")).ticket == ticket
    result = await report(database, "DOWN")
    assert (result.action, result.wait_reason) == (OutageAction.WAIT, reason)
    await declare_service(database)
    assert await handle_waiting_services(database) == 1
    assert len(await outage_tickets(database)) == 2


async def test_services_wait_while_ticketing_is_off(database: Database) -> None:
    await declare_service(database)
    await declare_service(database, "acme/shop/cart")
    first = (await report(database, "DOWN")).ticket
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=False)
    for path, status in ((PATH, "OPERATIONAL"), ("acme/shop/cart", "DOWN")):
        result = await report(database, status, path)
        assert (result.action, result.wait_reason) == (
            OutageAction.WAIT,
            WaitReason.PLUGIN_DISABLED,
        )
    assert await handle_waiting_services(database) == 0
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=True)
    assert await handle_waiting_services(database) == 2
    assert (await read_ticket(database, SYSTEM_VIEWER, str(first))).status is Status.CLOSED
    assert len(await outage_tickets(database, "acme/shop/cart")) == 1


Interruption = Callable[[Observer, "asyncio.Task[object]", int], Awaitable[object]]


async def cancel_task(_observer: Observer, task: "asyncio.Task[object]", _pid: int) -> None:
    task.cancel()


async def terminate(observer: Observer, _task: "asyncio.Task[object]", pid: int) -> None:
    await observer.connection.execute("SELECT pg_terminate_backend($1)", pid)


@pytest.mark.parametrize("interrupt", [cancel_task, terminate])
@pytest.mark.parametrize(
    "trigger", [BEFORE_INSERT, AT_COMMIT], ids=["before the insert", "in the commit"]
)
async def test_a_report_survives_an_interrupted_handler(
    database: Database,
    database_url: str,
    observer: Observer,
    interrupt: Interruption,
    trigger: str,
) -> None:
    await declare_service(database)
    async with open_database(database_url, 1) as only_connection:
        async with observer.closed_gate("ticket_status_history", trigger):
            reporting: asyncio.Task[object] = asyncio.create_task(report(only_connection, "DOWN"))
            (pid,) = await observer.wait_until_blocked(1)
            await interrupt(observer, reporting, pid)
            with pytest.raises((asyncio.CancelledError, Unavailable)):
                await reporting
            await observer.wait_until_idle()
        assert await outage_tickets(database) == []
    assert await handle_waiting_services(database) == 1
    assert len(await outage_tickets(database)) == 1
    assert await flaws(database) == []


async def test_servers_share_the_work(database: Database, database_url: str) -> None:
    paths = [f"acme/shop/part{number}" for number in range(20)]
    await put_resources(database, [service(path) for path in paths])
    for path in paths:
        await record(database, "DOWN", path)
    async with open_database(database_url) as one, open_database(database_url) as two:
        counts = await asyncio.gather(
            *(handle_waiting_services(each) for each in (database, one, two))
        )
    assert sum(counts) == len(paths)
    for path in paths:
        assert len(await outage_tickets(database, path)) == 1


async def test_a_service_that_another_server_has_locked_is_skipped(
    database: Database, observer: Observer
) -> None:
    await declare_service(database)
    await record(database, "DOWN")
    async with observer.holding("SELECT FROM service_health FOR UPDATE"):
        assert await handle_waiting_services(database) == 0
    assert await handle_waiting_services(database) == 1


FAIL = """
CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$
"""


FAILING = """
CREATE TRIGGER fail BEFORE INSERT ON tickets FOR EACH ROW
WHEN (NEW.service = 'a/broken') EXECUTE FUNCTION fail()
"""


async def test_a_failing_service_does_not_block_the_others(
    database: Database, observer: Observer
) -> None:
    await observer.connection.execute(FAIL)
    await observer.connection.execute(FAILING)
    await put_resources(database, [service("a/broken"), service("b/whole")])
    for path in ("a/broken", "b/whole"):
        await record(database, "DOWN", path)
    with pytest.raises(ExceptionGroup) as failed:
        await handle_waiting_services(database)
    assert len(failed.value.exceptions) == 1
    assert len(await outage_tickets(database, "b/whole")) == 1
