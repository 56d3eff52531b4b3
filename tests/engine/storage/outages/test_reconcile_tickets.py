"""Reports open, re-open, close and comment on tickets; a service has at most one live ticket."""

import asyncio
import json
from datetime import timedelta

import asyncpg
import pytest

from engine.outages.policy import OutageAction, WaitReason
from engine.storage.outages.reconcile_tickets import handle_service
from engine.storage.outages.waiting import handle_waiting_services
from engine.storage.postgres.database import Database
from engine.storage.tickets.create import create_ticket
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CommentTicket
from engine.tickets.history import EntryKind
from engine.tickets.sla_targets import parse_targets
from engine.tickets.sla_timers import Timer, build_timers
from engine.tickets.system_actor import SYSTEM_ACTOR, SystemReason, api_key_of, system_reason
from engine.tickets.ticket import Opening
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Priority, Status
from tests.support.concurrent_changes import comment, flaws, reassign
from tests.support.lock_gates import AT_COMMIT, Observer
from tests.support.monitored_services import (
    PATH,
    declare_service,
    history,
    open_outage,
    outage_tickets,
    record,
    report,
)
from tests.support.personas import MARTON


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
    created, transition = await history(database, ticket.id)
    assert (created.actor, created.actor_bits, transition.actor, transition.actor_bits) == (
        *("system", 0),
        *("system", 0),
    )
    assert (transition.old_value, transition.new_value) == (Status.OPEN, Status.CLOSED)
    assert system_reason(transition) is SystemReason.SERVICE_RECOVERED
    assert await flaws(database) == []


async def test_an_outage_ticket_has_the_sla_targets_of_its_priority(database: Database) -> None:
    await declare_service(database)
    opened, *_ = await history(database, (await report(database, "DOWN")).ticket)
    targets = parse_targets(opened.details)
    assert targets is not None
    assert (targets.response, targets.resolution) == (timedelta(minutes=5), timedelta(hours=2))


async def test_a_repeated_report_changes_nothing(database: Database) -> None:
    await declare_service(database)
    first = await report(database, "DOWN")
    again = await report(database, "DOWN", message="Still")
    assert (again.action, again.ticket) == (OutageAction.NOTHING, first.ticket)
    assert (again.health.since, again.health.message) == (first.health.since, "Still")
    assert again.health.reported_at > first.health.reported_at
    await report(database, "OPERATIONAL")
    assert (await report(database, "OPERATIONAL")).action is OutageAction.NOTHING
    assert len(await history(database, first.ticket)) == 2


async def test_fifty_concurrent_reports_open_one_ticket(database: Database) -> None:
    await declare_service(database)
    results = await asyncio.gather(*(report(database, "DOWN") for _ in range(50)))
    [ticket] = await outage_tickets(database)
    assert {each.ticket for each in results} == {ticket.id}
    assert sorted(each.action for each in results) == ["nothing"] * 49 + ["open"]
    assert await flaws(database) == []


async def test_fifty_concurrent_recoveries_close_the_ticket_once(database: Database) -> None:
    await declare_service(database)
    ticket = (await report(database, "DOWN")).ticket
    await asyncio.gather(*(report(database, "OPERATIONAL") for _ in range(50)))
    assert [each.kind for each in await history(database, ticket)] == ["created", "status"]


async def test_the_database_refuses_a_second_live_ticket(database: Database) -> None:
    await declare_service(database)
    await report(database, "DOWN")
    second = Opening("Again", "", Priority.LOW, "incident_response", service=PATH)
    with pytest.raises(asyncpg.UniqueViolationError, match="one_live_outage_per_service"):
        async with database.transaction() as session:
            await create_ticket(session, SYSTEM_ACTOR, second)


async def test_a_recovery_waits_for_a_concurrent_comment_and_keeps_the_ticket_open(
    database: Database, store: TicketStore, observer: Observer
) -> None:
    outage = await open_outage(database)
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        commenting = asyncio.create_task(comment(store, outage))
        await observer.wait_until_blocked(1)
        recovering = asyncio.create_task(report(database, "OPERATIONAL"))
        await observer.wait_until_blocked(2)
    await commenting
    assert (await recovering).action is OutageAction.COMMENT
    assert (await read_ticket(database, SYSTEM_VIEWER, outage.id)).status is Status.OPEN
    latest = (await history(database, outage.id))[-1]
    assert (latest.actor, latest.kind) == ("system", EntryKind.COMMENT)
    assert "has recovered" in str(latest.new_value)


async def test_a_comment_after_the_recovery_is_added_to_the_closed_ticket(
    database: Database, store: TicketStore, observer: Observer
) -> None:
    outage = await open_outage(database)
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        recovering = asyncio.create_task(report(database, "OPERATIONAL"))
        await observer.wait_until_blocked(1)
        commenting = asyncio.create_task(comment(store, outage))
        await observer.wait_until_blocked(2)
    assert (await recovering).action is OutageAction.CLOSE
    assert (await commenting).status is Status.CLOSED
    assert await flaws(database) == []


async def test_an_assigned_ticket_gets_a_comment_for_a_recovery_and_for_the_next_outage(
    database: Database, store: TicketStore
) -> None:
    outage = await open_outage(database)
    await reassign(store, outage)
    for status in ("OPERATIONAL", "OPERATIONAL", "DOWN", "DOWN"):
        assert (await report(database, status)).ticket == outage.id
    comments = [each for each in await history(database, outage.id) if each.kind == "comment"]
    assert [system_reason(each) for each in comments] == ["service_recovered", "service_down_again"]


async def test_a_new_outage_within_the_window_reopens_the_ticket(database: Database) -> None:
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


async def test_a_service_waits_for_an_unknown_workflow(database: Database) -> None:
    await declare_service(database, workflow="never_declared")
    result = await report(database, "DOWN")
    assert (result.action, result.wait_reason) == (OutageAction.WAIT, WaitReason.WORKFLOW_UNKNOWN)


async def test_a_service_waits_without_a_licence(database: Database) -> None:
    await declare_service(database)
    await record(database, "DOWN")
    result = await handle_service(database, PATH, licensed=False)
    assert (result.action, result.wait_reason) == (OutageAction.WAIT, WaitReason.PLUGIN_DISABLED)
    assert await outage_tickets(database) == []


async def test_a_report_that_waited_for_a_reconciliation_follows_the_new_declaration(
    database: Database, observer: Observer
) -> None:
    await declare_service(database)
    await report(database, "OPERATIONAL")
    async with observer.closed_gate("services"):
        reconciling = asyncio.create_task(declare_service(database, autoTicket=False))
        await observer.wait_until_blocked(1)
        reporting = asyncio.create_task(report(database, "DOWN"))
        await observer.wait_until_blocked(2)
    await reconciling
    assert (await reporting).wait_reason is WaitReason.AUTO_TICKET_OFF
    assert await outage_tickets(database) == []


async def test_entries_name_the_key_whose_report_changed_the_status(
    database: Database, store: TicketStore
) -> None:
    await declare_service(database, reopenWithin="1h")
    ticket = (await report(database, "DOWN", key="aaaaaaaa")).ticket
    await report(database, "DOWN", key="bbbbbbbb", source="probe")
    await report(database, "OPERATIONAL", key="cccccccc", source="probe")
    await report(database, "OPERATIONAL", key="dddddddd")
    await report(database, "DOWN")
    assert ticket is not None
    await store.comment(MARTON, CommentTicket.parse(ticket=ticket, text="Looking"))
    await report(database, "OPERATIONAL", key="eeeeeeee")
    entries = await history(database, ticket)
    assert [(each.kind, each.actor, api_key_of(each)) for each in entries] == [
        ("created", "system", "aaaaaaaa"),
        ("status", "system", "dddddddd"),
        ("status", "system", None),
        ("comment", MARTON.id, None),
        ("comment", "system", "eeeeeeee"),
    ]
    assert json.loads(str(entries[1].details))["key"] == "dddddddd"
    assert await flaws(database) == []


async def test_a_service_that_waits_keeps_the_key(database: Database) -> None:
    await declare_service(database, holdDown="1h")
    await report(database, "DOWN", key="aaaaaaaa")
    await report(database, "DOWN", key="bbbbbbbb")
    await declare_service(database)
    await handle_waiting_services(database)
    [ticket] = await outage_tickets(database)
    [created] = await history(database, ticket.id)
    assert api_key_of(created) == "aaaaaaaa"
