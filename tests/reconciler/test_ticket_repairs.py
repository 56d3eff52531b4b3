"""A plan compares all tickets with their histories, and applying it repairs those that differ."""

import pytest
from sqlalchemy import Boolean, Column, DateTime, Text

from engine.errors import RefusedByGuard
from engine.resources.resource import Snapshot, default_resources
from engine.storage.postgres.database import Database
from engine.storage.postgres.tables import tickets
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets import drift
from engine.storage.tickets.store import TicketStore
from engine.tickets.ticket import Ticket
from engine.tickets.ticket_drift import SEARCH_WORDS, TICKET_COLUMNS
from engine.vocabulary import Status
from reconciler.allowances import Allowances
from reconciler.apply import ApplyRequest, apply_plan, reconcile
from reconciler.desired import Desired
from reconciler.document.parse import parse_plan
from reconciler.document.serialize import serialize_plan
from reconciler.plan import Plan
from reconciler.planner import PlanExtras, make_plan
from reconciler.ticket_repairs import TicketRepairs
from tests.support.concurrent_changes import comment
from tests.support.lock_gates import Observer
from tests.support.monitored_services import open_outage, outage_tickets, report
from tests.support.personas import ANNA
from tests.support.plans import EVERYTHING
from tests.support.resources import auto_close, snapshot
from tests.support.stored_sla import open_ticket_with_sla, transition

ADA = ApplyRequest("ada", EVERYTHING)
PROOFS = {"id", "version", "head_digest"}
"""What proves that a history is complete. It is never repaired."""
COLUMNS = [each for each in tickets.columns if each.name not in PROOFS]
SEARCHED = {"title", "description"}
"""The words of the search are those of these columns, so they are wrong as well."""
OTHER_VALUES = {
    "status": "'CLOSED'",
    "priority": "'LOW'",
    "workflow": "'change_request'",
    "requester": f"'{ANNA.id}_other'",
    "assignee": f"'{ANNA.id}_other'",
    "item": "'vpn'",
    "service": "'acme/vpn'",
    "sla_version": "NULL",
}
"""Values for columns that are constrained. A version of due times that is too low is repaired
within a second, because it looks like that of a ticket after a transition."""
REFERRED: list[str] = [
    f"INSERT INTO users (id) VALUES ('{ANNA.id}_other')",  # noqa: S608  # our id
    "INSERT INTO catalog_categories SELECT 'it', '{}', now(), 1",
    "INSERT INTO catalog_items SELECT 'vpn', 'it', 'change_request', '{}', now(), 1",
    "INSERT INTO services SELECT 'acme/vpn', '{}', now(), 1",
]


def other_value(column: Column[object]) -> str:
    """Return SQL for another value than a column has."""
    if (value := OTHER_VALUES.get(column.name)) is not None:
        return value
    match column.type:
        case Boolean():
            return f"NOT {column.name}"
        case DateTime():
            return "'2020-01-01Z'"
        case Text():
            return "'never said'"
        case _:
            raise AssertionError(column)


DEFAULTS = dict(default_resources())


async def plan_for(database: Database, desired: Snapshot = DEFAULTS) -> Plan:
    """Return a plan with a comparison of all tickets."""
    async with database.snapshot() as session:
        extras = PlanExtras(after_ticket=lambda: None)
        return await make_plan(session, Desired(desired), "git:1", extras=extras)


async def repairs(database: Database, desired: Snapshot = DEFAULTS) -> TicketRepairs:
    plan = await plan_for(database, desired)
    assert plan.tickets is not None
    return plan.tickets


async def apply(database: Database, plan: Plan, request: ApplyRequest = ADA) -> None:
    """Apply a plan that was saved."""
    await apply_plan(database, parse_plan(serialize_plan(plan).text, "plan.json"), request)


async def rows(observer: Observer) -> list[dict[str, object]]:
    found = await observer.connection.fetch("SELECT * FROM tickets ORDER BY id")
    return [dict(row) for row in found]


@pytest.fixture
async def opened(database: Database, store: TicketStore, observer: Observer) -> Ticket:
    """Return one of two tickets with SLA targets; the other one is RESOLVED."""
    for statement in REFERRED:
        await observer.connection.execute(statement)
    other = await open_ticket_with_sla(store)
    await transition(store, other, Status.IN_PROGRESS, Status.RESOLVED)
    ticket = await open_ticket_with_sla(store)
    await sweep_due_times(database)
    assert (await plan_for(database)).is_empty
    return ticket


def test_every_column_of_a_ticket_is_compared() -> None:
    assert {column.name for column in COLUMNS} == {*TICKET_COLUMNS}


@pytest.mark.parametrize("column", COLUMNS, ids=str)
async def test_a_wrong_value_of_a_ticket_is_planned_and_repaired(
    database: Database, observer: Observer, opened: Ticket, column: Column[object]
) -> None:
    before = await rows(observer)
    change = f"UPDATE tickets SET {column.name} = {other_value(column)} WHERE id = $1"  # noqa: S608  # our names
    await observer.connection.execute(change, opened.id)
    assert await rows(observer) != before
    plan = await plan_for(database)
    assert (plan.changes, plan.repaired_tickets) == ((), (opened.id,))
    assert plan.tickets is not None
    searched = {SEARCH_WORDS: 1} if column.name in SEARCHED else {}
    assert plan.tickets.columns == {column.name: 1} | searched
    await apply(database, plan)
    assert await rows(observer) == before
    assert (await plan_for(database)).is_empty


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE ticket_search SET text = ' other ' WHERE ticket = $1",
        "UPDATE ticket_search SET internal = NOT internal WHERE ticket = $1",
        "DELETE FROM ticket_search WHERE ticket = $1",
        "DELETE FROM ticket_search WHERE ticket = $1 AND seq > 1",
        "INSERT INTO ticket_search (ticket, seq, internal, text) VALUES ($1, 9, false, ' other ')",
    ],
)
async def test_wrong_words_of_the_search_are_planned_and_repaired(
    database: Database, observer: Observer, opened: Ticket, change: str
) -> None:
    for internal in (False, True):
        await comment(TicketStore(database), opened, internal=internal)
    words = "SELECT seq, internal, text FROM ticket_search WHERE ticket = $1 ORDER BY seq"
    before = await observer.connection.fetch(words, opened.id)
    await observer.connection.execute(change, opened.id)
    plan = await plan_for(database)
    assert plan.tickets is not None
    assert (plan.repaired_tickets, plan.tickets.columns) == ((opened.id,), {SEARCH_WORDS: 1})
    await apply(database, plan)
    assert await observer.connection.fetch(words, opened.id) == before
    assert (await plan_for(database)).is_empty


async def test_a_ticket_with_an_invalid_history_is_not_repaired(
    database: Database, observer: Observer, opened: Ticket
) -> None:
    await observer.connection.execute(
        "ALTER TABLE ticket_status_history DISABLE TRIGGER USER;"
        " UPDATE ticket_status_history SET details = replace(details, 'HIGH', 'LOW')"
    )
    await observer.connection.execute("UPDATE tickets SET priority = 'MEDIUM'")
    found = await repairs(database)
    assert (found.compared, found.invalid, found.tickets) == (0, 2, ())
    await observer.connection.execute("UPDATE tickets SET version = version + 1")
    assert (await repairs(database)).invalid == 2
    assert opened.id


async def test_a_repair_does_not_make_a_second_ticket_of_a_service_live(
    database: Database, observer: Observer
) -> None:
    first = await open_outage(database)
    await observer.connection.execute("UPDATE tickets SET status = 'CLOSED'")
    for status in ("OPERATIONAL", "DOWN"):
        await report(database, status)
    assert len(await outage_tickets(database)) == 2
    plan = await plan_for(database)
    assert plan.repaired_tickets == (first.id,)
    await apply(database, plan)
    statuses = [ticket.status for ticket in await outage_tickets(database)]
    assert statuses == [Status.CLOSED, Status.OPEN]


@pytest.mark.usefixtures("opened")
async def test_tickets_that_are_closed_after_their_repair_must_be_acknowledged(
    database: Database, observer: Observer
) -> None:
    at_once = DEFAULTS | snapshot(auto_close("1s"))
    await reconcile(database, Desired(at_once), ADA, "git:1")
    await observer.connection.execute("UPDATE tickets SET auto_close_from = NULL")
    plan = await plan_for(database, at_once)
    with pytest.raises(RefusedByGuard, match=r"--max-closed 1: .* closes 1 of them for good"):
        await apply(database, plan, ApplyRequest("ada", Allowances()))
    assert (await repairs(database, at_once)).tickets == plan.repaired_tickets
    await apply(database, plan, ApplyRequest("ada", Allowances(closed=1)))


async def test_tickets_that_breach_after_their_repair_must_be_acknowledged(
    database: Database, observer: Observer, opened: Ticket
) -> None:
    await observer.connection.execute("UPDATE tickets SET next_due_at = NULL")
    plan = await plan_for(database)
    assert plan.tickets is not None
    assert plan.tickets.breaching.examples == (opened.id,)
    with pytest.raises(RefusedByGuard, match=r"--max-breached 1: .* 1 of them missed"):
        await apply(database, plan, ApplyRequest("ada", Allowances()))


async def test_due_times_that_a_server_is_about_to_update_are_no_drift(
    database: Database, store: TicketStore, opened: Ticket
) -> None:
    await transition(store, opened, Status.IN_PROGRESS)
    assert (await plan_for(database)).is_empty


@pytest.mark.usefixtures("opened")
async def test_a_plan_names_a_bounded_number_of_tickets(
    database: Database, observer: Observer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(drift, "DRIFTED_TICKETS_MOST", 1)
    await observer.connection.execute("UPDATE tickets SET title = 'Other'")
    for is_complete in (False, True):
        plan = await plan_for(database)
        assert plan.tickets is not None
        assert (len(plan.tickets.tickets), plan.tickets.is_complete) == (1, is_complete)
        await apply(database, plan)
    assert (await plan_for(database)).is_empty


async def test_tickets_are_compared_only_on_request(
    database: Database, observer: Observer, opened: Ticket
) -> None:
    await observer.connection.execute("UPDATE tickets SET title = 'Other'")
    plan = await reconcile(database, Desired(DEFAULTS), ADA, "git:2")
    assert (plan.is_empty, plan.tickets) == (True, None)
    assert opened.id in (await repairs(database)).tickets
