"""Reports meet tickets: one live ticket a service, whoever reports, works, reconciles or dies."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import timedelta

import asyncpg
import pytest

from engine.errors import InvalidInput, NotFound, Unavailable
from engine.outages.health_report import HealthReport
from engine.outages.policy import OutageAction, WaitReason
from engine.plugins import Plugin
from engine.storage.outages.reconcile_tickets import handle_service, handle_waiting_services
from engine.storage.postgres.database import Database, open_database
from engine.storage.resources.plugins import set_plugin_enabled
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore, open_ticket
from engine.tickets.history import EntryKind
from engine.tickets.sla_targets import parse_targets
from engine.tickets.sla_timers import Timer, build_timers
from engine.tickets.system_actor import SYSTEM_ACTOR, SystemReason, system_reason
from engine.tickets.ticket import Opening
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Priority, Status
from tests.support.concurrent_changes import comment, flaws, hand_over
from tests.support.declared_resources import DEFAULTS, put
from tests.support.lock_gates import AT_COMMIT, BEFORE_INSERT, Observer
from tests.support.monitored_services import (
    PATH,
    declare_service,
    history,
    open_outage,
    outage_tickets,
    record,
    report,
    service,
)
from tests.support.people import ADA

[INCIDENT_RESPONSE] = [each for each in DEFAULTS if each.key.name == "incident_response"]


async def test_an_outage_opens_a_ticket_and_a_recovery_closes_it(database: Database) -> None:
    await declare_service(database)
    opened = await report(database, "DOWN", message="No answer for 30 s")
    [ticket] = await outage_tickets(database)
    assert (opened.action, opened.ticket) == (OutageAction.OPEN, ticket.id)
    assert (ticket.title, ticket.description) == (f"{PATH} is DOWN", "No answer for 30 s")
    assert (ticket.priority, ticket.assignee_group) == (Priority.CRITICAL, "payment-team")
    assert (ticket.requester, ticket.assignee, ticket.service) == (None, None, PATH)
    closed = await report(database, "OPERATIONAL")
    assert (closed.action, closed.ticket) == (OutageAction.CLOSE, ticket.id)
    created, moved = await history(database, ticket.id)
    assert (created.actor, created.actor_bits, moved.actor, moved.actor_bits) == (
        *("system", 0),
        *("system", 0),
    )
    assert (moved.old_value, moved.new_value) == (Status.OPEN, Status.CLOSED)
    assert system_reason(moved) is SystemReason.SERVICE_RECOVERED
    assert await flaws(database) == []


async def test_an_outage_is_promised_what_its_priority_promises(database: Database) -> None:
    await declare_service(database)
    opened, *_ = await history(database, (await report(database, "DOWN")).ticket)
    targets = parse_targets(opened.details)
    assert targets is not None
    assert (targets.response, targets.resolution) == (timedelta(minutes=5), timedelta(hours=2))


async def test_what_is_reported_again_adds_nothing(database: Database) -> None:
    await declare_service(database)
    first = await report(database, "DOWN")
    again = await report(database, "DOWN", message="Still")
    assert (again.action, again.ticket) == (OutageAction.NOTHING, first.ticket)
    assert (again.health.since, again.health.message) == (first.health.since, "Still")
    assert again.health.reported_at > first.health.reported_at
    await report(database, "OPERATIONAL")
    assert (await report(database, "OPERATIONAL")).action is OutageAction.NOTHING
    assert len(await history(database, first.ticket)) == 2


async def test_fifty_reports_at_once_open_one_ticket(database: Database) -> None:
    await declare_service(database)
    answers = await asyncio.gather(*(report(database, "DOWN") for _ in range(50)))
    [ticket] = await outage_tickets(database)
    assert {each.ticket for each in answers} == {ticket.id}
    assert sorted(each.action for each in answers) == ["nothing"] * 49 + ["open"]
    assert await flaws(database) == []


async def test_fifty_recoveries_at_once_close_it_once(database: Database) -> None:
    await declare_service(database)
    ticket = (await report(database, "DOWN")).ticket
    await asyncio.gather(*(report(database, "OPERATIONAL") for _ in range(50)))
    assert [each.kind for each in await history(database, ticket)] == ["created", "status"]


async def test_a_second_live_ticket_is_refused_by_the_database_itself(database: Database) -> None:
    await declare_service(database)
    await report(database, "DOWN")
    second = Opening("Again", "", Priority.LOW, "incident_response", None, None, None, service=PATH)
    with pytest.raises(asyncpg.UniqueViolationError, match="one_live_outage_per_service"):
        async with database.transaction() as session:
            await open_ticket(session, SYSTEM_ACTOR, second)


# Somebody touches the ticket.


async def test_a_comment_under_way_counts_as_a_touch(
    database: Database, store: TicketStore, observer: Observer
) -> None:
    outage = await open_outage(database)
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        commenting = asyncio.create_task(comment(store, outage))
        await observer.see_waiting(1)
        recovering = asyncio.create_task(report(database, "OPERATIONAL"))
        await observer.see_waiting(2)
    await commenting
    assert (await recovering).action is OutageAction.COMMENT
    assert (await read_ticket(database, SYSTEM_VIEWER, outage.id)).status is Status.OPEN
    latest = (await history(database, outage.id))[-1]
    assert (latest.actor, latest.kind) == ("system", EntryKind.COMMENT)
    assert "has recovered" in str(latest.new_value)


async def test_a_comment_that_comes_later_is_said_to_a_closed_ticket(
    database: Database, store: TicketStore, observer: Observer
) -> None:
    outage = await open_outage(database)
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        recovering = asyncio.create_task(report(database, "OPERATIONAL"))
        await observer.see_waiting(1)
        commenting = asyncio.create_task(comment(store, outage))
        await observer.see_waiting(2)
    assert (await recovering).action is OutageAction.CLOSE
    assert (await commenting).status is Status.CLOSED
    assert await flaws(database) == []


async def test_an_assigned_ticket_is_told_of_recovery_and_of_the_next_outage(
    database: Database, store: TicketStore
) -> None:
    outage = await open_outage(database)
    await hand_over(store, outage)
    for status in ("OPERATIONAL", "OPERATIONAL", "DOWN", "DOWN"):
        assert (await report(database, status)).ticket == outage.id
    told = [each for each in await history(database, outage.id) if each.kind == "comment"]
    assert [system_reason(each) for each in told] == ["service_recovered", "service_down_again"]


# Something is in the way, and then no more.


async def test_a_ticket_is_opened_when_the_service_was_down_for_long_enough(
    database: Database, observer: Observer
) -> None:
    await declare_service(database, holdDown="2m")
    answer = await report(database, "DOWN")
    assert (answer.action, answer.wait_reason) == (OutageAction.WAIT, WaitReason.HOLD_DOWN)
    assert await handle_waiting_services(database) == 0
    await observer.connection.execute("UPDATE service_health SET since = since - interval '2m'")
    assert await handle_waiting_services(database) == 1
    assert await handle_waiting_services(database) == 0
    assert len(await outage_tickets(database)) == 1


async def test_going_down_again_soon_reopens_the_ticket(database: Database) -> None:
    await declare_service(database, reopenWithin="30m")
    ticket = (await report(database, "DOWN")).ticket
    await report(database, "OPERATIONAL")
    again = await report(database, "DOWN")
    assert (again.action, again.ticket) == (OutageAction.REOPEN, ticket)
    reopening = (await history(database, ticket))[-1]
    assert (reopening.old_value, reopening.new_value) == (Status.CLOSED, Status.OPEN)
    assert system_reason(reopening) is SystemReason.SERVICE_DOWN_AGAIN
    sla = build_timers(await history(database, ticket))
    assert sla is not None
    assert (sla.responded_at, sla.is_running(Timer.RESPONSE)) == (None, True)
    assert await flaws(database) == []
    assert (await report(database, "OPERATIONAL")).action is OutageAction.CLOSE


async def test_a_report_is_kept_until_its_workflow_is_declared_again(database: Database) -> None:
    await declare_service(database)
    await put(database, [replace(INCIDENT_RESPONSE, retired=True)])
    answer = await report(database, "DOWN")
    assert (answer.action, answer.wait_reason) == (OutageAction.WAIT, WaitReason.WORKFLOW_RETIRED)
    assert await handle_waiting_services(database) == 0
    await put(database, [INCIDENT_RESPONSE])
    assert await handle_waiting_services(database) == 1
    ticket = (await report(database, "DOWN")).ticket
    await put(database, [replace(INCIDENT_RESPONSE, retired=True)])
    answer = await report(database, "OPERATIONAL")
    assert (answer.action, answer.wait_reason) == (OutageAction.WAIT, WaitReason.WORKFLOW_RETIRED)
    assert await handle_waiting_services(database) == 0
    await put(database, [INCIDENT_RESPONSE])
    assert await handle_waiting_services(database) == 1
    assert (await read_ticket(database, SYSTEM_VIEWER, str(ticket))).status is Status.CLOSED


async def test_a_workflow_that_is_not_known_is_told(database: Database) -> None:
    await declare_service(database, workflow="never_declared")
    answer = await report(database, "DOWN")
    assert (answer.action, answer.wait_reason) == (OutageAction.WAIT, WaitReason.WORKFLOW_UNKNOWN)


@pytest.mark.parametrize(
    ("changed", "hindrance"),
    [
        ({"autoTicket": False}, WaitReason.AUTO_TICKET_OFF),
        ({"retired": True}, WaitReason.SERVICE_RETIRED),
    ],
)
async def test_a_service_may_open_none_but_its_last_one_is_closed(
    database: Database, changed: dict[str, bool], hindrance: WaitReason
) -> None:
    await declare_service(database)
    ticket = (await report(database, "DOWN")).ticket
    auto_ticket = changed.get("autoTicket", True)
    now = replace(service(autoTicket=auto_ticket), retired="retired" in changed)
    await put(database, [now])
    assert (await report(database, "OPERATIONAL")).ticket == ticket
    answer = await report(database, "DOWN")
    assert (answer.action, answer.wait_reason) == (OutageAction.WAIT, hindrance)
    await declare_service(database)
    assert await handle_waiting_services(database) == 1
    assert len(await outage_tickets(database)) == 2


async def test_reports_are_kept_while_ticketing_is_off_and_acted_on_when_it_is_on(
    database: Database,
) -> None:
    await declare_service(database)
    await declare_service(database, "acme/shop/cart")
    first = (await report(database, "DOWN")).ticket
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=False)
    for path, status in ((PATH, "OPERATIONAL"), ("acme/shop/cart", "DOWN")):
        answer = await report(database, status, path)
        assert (answer.action, answer.wait_reason) == (
            OutageAction.WAIT,
            WaitReason.PLUGIN_DISABLED,
        )
    assert await handle_waiting_services(database) == 0
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=True)
    assert await handle_waiting_services(database) == 2
    assert (await read_ticket(database, SYSTEM_VIEWER, str(first))).status is Status.CLOSED
    assert len(await outage_tickets(database, "acme/shop/cart")) == 1


async def test_without_a_licence_nothing_is_done(database: Database) -> None:
    await declare_service(database)
    await record(database, "DOWN")
    answer = await handle_service(database, PATH, licensed=False)
    assert (answer.action, answer.wait_reason) == (OutageAction.WAIT, WaitReason.PLUGIN_DISABLED)
    assert await outage_tickets(database) == []


# Whoever reports.


async def test_a_service_is_down_until_every_source_takes_it_back(database: Database) -> None:
    await declare_service(database)
    await report(database, "DOWN", source="probe", message="No answer")
    await report(database, "DEGRADED", source="latency", message="Slow")
    await report(database, "OPERATIONAL", source="probe")
    answer = await report(database, "DEGRADED", source="latency", message="Slow")
    assert (answer.health.status, answer.health.message) == ("DEGRADED", "Slow")
    assert (await report(database, "OPERATIONAL", source="latency")).action is OutageAction.CLOSE


async def test_planned_work_opens_no_ticket(database: Database) -> None:
    await declare_service(database)
    await report(database, "MAINTENANCE", source="calendar")
    answer = await report(database, "DOWN", source="probe")
    assert (answer.health.status, answer.action) == ("MAINTENANCE", OutageAction.NOTHING)
    assert (await report(database, "OPERATIONAL", source="calendar")).action is OutageAction.OPEN


async def test_a_service_that_was_never_declared_is_not_found(database: Database) -> None:
    await declare_service(database)
    with pytest.raises(NotFound) as refused:
        await report(database, "DOWN", "acme/shop/payment-apy")
    assert f"Did you mean '{PATH}'?" in refused.value.message


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"status": "BROKEN"}, "status"),
        ({"path": ""}, "path"),
        ({"message": "x" * 2_001}, "message"),
        ({"message": "\0"}, "message"),
        ({"source": " "}, "source"),
        ({"stats": "DOWN"}, "stats"),
    ],
)
def test_a_report_that_is_none_is_refused(wrong: dict[str, object], field: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        HealthReport.parse(**{"path": PATH, "status": "DOWN"} | wrong)
    assert refused.value.message.startswith(f"{field}: ")


# Whoever dies, or comes at the same time.

Interruption = Callable[[Observer, "asyncio.Task[object]", int], Awaitable[object]]


async def cancel_task(_observer: Observer, task: "asyncio.Task[object]", _pid: int) -> None:
    task.cancel()


async def terminate(observer: Observer, _task: "asyncio.Task[object]", pid: int) -> None:
    await observer.connection.execute("SELECT pg_terminate_backend($1)", pid)


@pytest.mark.parametrize("interrupt", [cancel_task, terminate])
@pytest.mark.parametrize("trigger", [BEFORE_INSERT, AT_COMMIT], ids=["before", "in the commit"])
async def test_a_report_survives_whoever_was_acting_on_it(
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
            (pid,) = await observer.see_waiting(1)
            await interrupt(observer, reporting, pid)
            with pytest.raises((asyncio.CancelledError, Unavailable)):
                await reporting
            await observer.see_nobody_at_work()
        assert await outage_tickets(database) == []
    assert await handle_waiting_services(database) == 1
    assert len(await outage_tickets(database)) == 1
    assert await flaws(database) == []


async def test_replicas_share_the_work(database: Database, database_url: str) -> None:
    paths = [f"acme/shop/part{number}" for number in range(20)]
    await put(database, [service(path) for path in paths])
    for path in paths:
        await record(database, "DOWN", path)
    async with open_database(database_url) as one, open_database(database_url) as two:
        counts = await asyncio.gather(
            *(handle_waiting_services(each) for each in (database, one, two))
        )
    assert sum(counts) == len(paths)
    for path in paths:
        assert len(await outage_tickets(database, path)) == 1


async def test_what_another_is_answering_is_passed_over(
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


async def test_no_service_keeps_another_from_its_ticket(
    database: Database, observer: Observer
) -> None:
    await observer.connection.execute(FAIL)
    await observer.connection.execute(FAILING)
    await put(database, [service("a/broken"), service("b/whole")])
    for path in ("a/broken", "b/whole"):
        await record(database, "DOWN", path)
    with pytest.raises(ExceptionGroup) as failed:
        await handle_waiting_services(database)
    assert len(failed.value.exceptions) == 1
    assert len(await outage_tickets(database, "b/whole")) == 1


async def test_a_report_that_waited_for_a_reconciliation_is_judged_by_what_is_declared_then(
    database: Database, observer: Observer
) -> None:
    await declare_service(database)
    await report(database, "OPERATIONAL")
    async with observer.closed_gate("services"):
        reconciling = asyncio.create_task(declare_service(database, autoTicket=False))
        await observer.see_waiting(1)
        reporting = asyncio.create_task(report(database, "DOWN"))
        await observer.see_waiting(2)
    await reconciling
    assert (await reporting).wait_reason is WaitReason.AUTO_TICKET_OFF
    assert await outage_tickets(database) == []
