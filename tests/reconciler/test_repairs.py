"""A plan compares every stored value that follows from others, and applying it repairs them."""

import pytest
from sqlalchemy import Boolean, Column, FromClause, Integer, Text

from engine.errors import RefusedByGuard
from engine.resources.resource import Key, Kind, Snapshot
from engine.storage.migrate import migrate
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.tables import DERIVED, metadata
from engine.storage.resources.audit import audit_declared_columns
from engine.storage.tickets.store import TicketStore
from engine.vocabulary import Status
from reconciler.allowances import Allowances
from reconciler.apply import ApplyRequest, apply_plan, reconcile
from reconciler.desired import Desired
from reconciler.diff import Action
from reconciler.document.parse import parse_plan
from reconciler.document.serialize import serialize_plan
from reconciler.plan import Plan
from reconciler.planner import make_plan
from reconciler.resource_audit import audit_resources
from tests.support.concurrent_changes import open_ticket
from tests.support.databases import EMPTY, new_database
from tests.support.lock_gates import Observer, open_observer
from tests.support.plans import EVERYTHING, INCIDENT
from tests.support.resources import auto_close, category, item, snapshot, switch, workflow
from tests.support.stored_sla import transition

ADA = ApplyRequest("ada", EVERYTHING)
DECLARED = snapshot(
    workflow("incident_response", INCIDENT, "Incidents"),
    workflow("other", INCIDENT),
    category("access", "Access"),
    category("hardware", "Hardware"),
    item("vpn", "incident_response", "access"),
    switch(enabled=True),
    auto_close("72h"),
)
RETIRED = Key(Kind.WORKFLOW, "other")
DERIVED_COLUMNS = [
    column for table in metadata.sorted_tables for column in table.columns if DERIVED in column.info
]
OTHER_VALUES = {"category": "'hardware'", "workflow": "'other'"}
"""Values for columns that refer to another table."""


@pytest.fixture(autouse=True)
async def declared(database: Database, store: TicketStore) -> None:
    """Declare `DECLARED`, and open a ticket."""
    await reconcile(database, Desired(DECLARED), ADA, "git:1")
    await open_ticket(store, sla={"by_priority": True})


def other_value(column: Column[object]) -> str:
    """Return SQL for another value than a column has."""
    if (value := OTHER_VALUES.get(column.name)) is not None:
        return value
    match column.type:
        case Boolean():
            return f"NOT {column.name}"
        case Integer():
            return "0" if column.name == "policy" else "1"
        case Text():
            return "'never declared'"
        case _:
            raise AssertionError(column)


async def corrupt(observer: Observer, column: Column[object]) -> None:
    """Change a column in all rows, as only a user with all rights can."""
    table = column.table.name
    await observer.connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER USER")
    update = f"UPDATE {table} SET {column.name} = {other_value(column)}"  # noqa: S608  # our names
    await observer.connection.execute(update)
    await observer.connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER USER")


async def plan_for(database: Database, desired: Snapshot = DECLARED) -> Plan:
    async with database.snapshot() as session:
        return await make_plan(session, Desired(desired), "git:2")


def key_of(table: FromClause) -> str:
    """Return the columns of the primary key of a table."""
    return ", ".join(column.name for column in table.primary_key)


async def derived_values(observer: Observer) -> dict[str, list[object]]:
    """Return all derived columns of all rows except the numbers of revisions."""
    return {
        str(column): await observer.connection.fetchval(
            f"SELECT array_agg({column.name}::text ORDER BY {key_of(column.table)})"  # noqa: S608  # our names
            f" FROM {column.table.name}"
        )
        for column in DERIVED_COLUMNS
        if column.name != "revision" and column.table.name != "workflow_revisions"
    }


@pytest.mark.parametrize("column", DERIVED_COLUMNS, ids=str)
async def test_a_wrong_stored_value_is_planned_and_repaired(
    database: Database, observer: Observer, column: Column[object]
) -> None:
    before = await derived_values(observer)
    assert (await plan_for(database)).is_empty
    await corrupt(observer, column)
    plan = await plan_for(database)
    assert {change.action for change in plan.changes} == {Action.REPAIR}
    saved = parse_plan(serialize_plan(plan).text, "plan.json")
    await apply_plan(database, saved, ADA)
    assert await derived_values(observer) == before
    assert (await plan_for(database)).is_empty


OF_RETIRED = [each for each in DERIVED_COLUMNS if each.table.name != "workflow_revisions"]
"""Without the policy in the revision, which is only a record of a retired workflow."""


@pytest.mark.parametrize("column", OF_RETIRED, ids=str)
async def test_a_wrong_value_of_a_retired_resource_is_repaired(
    database: Database, observer: Observer, column: Column[object]
) -> None:
    desired = {key: each for key, each in DECLARED.items() if key.kind is not Kind.ITEM}
    del desired[RETIRED]
    await reconcile(database, Desired(desired), ADA, "git:2")
    before = await derived_values(observer)
    retired_at = "SELECT array_agg(retired_at ORDER BY name) FROM workflows"
    times = await observer.connection.fetchval(retired_at)
    await corrupt(observer, column)
    plan = await plan_for(database, desired)
    assert {change.action for change in plan.changes} == {Action.REPAIR}
    await apply_plan(database, parse_plan(serialize_plan(plan).text, "plan.json"), ADA)
    assert await derived_values(observer) == before
    assert await observer.connection.fetchval(retired_at) == times
    assert (await plan_for(database, desired)).is_empty


async def test_every_change_repairs_the_resource_that_it_changes(
    database: Database, observer: Observer
) -> None:
    for column in DERIVED_COLUMNS:
        await corrupt(observer, column)
    renamed = workflow("incident_response", INCIDENT, "Renamed")
    desired = {key: each for key, each in DECLARED.items() if key.kind is not Kind.ITEM}
    del desired[RETIRED]
    plan = await plan_for(database, desired | {renamed.key: renamed})
    actions = {change.key: change.action for change in plan.changes}
    assert (actions[renamed.key], actions[RETIRED]) == (Action.UPDATE, Action.RETIRE)
    assert all(change.repairs for change in plan.changes)
    await apply_plan(database, plan, ADA)
    assert (await plan_for(database, desired | {renamed.key: renamed})).is_empty


async def test_the_record_fits_after_a_repair(server: str) -> None:
    """The plans of all reconciliations, with those that repaired, lead to the resources."""
    async with new_database(server, EMPTY) as url:
        await migrate(url)
        async with open_database(url) as database, open_observer(url) as observer:
            await reconcile(database, Desired(DECLARED), ADA, "git:1")
            without_other = {key: each for key, each in DECLARED.items() if key != RETIRED}
            await reconcile(database, Desired(without_other), ADA, "git:2")
            for column in OF_RETIRED:
                await corrupt(observer, column)
            await apply_plan(database, await plan_for(database, without_other), ADA)
            async with database.snapshot() as session:
                assert [flaw async for flaw in audit_declared_columns(session)] == []
                assert [flaw async for flaw in audit_resources(session)] == []


async def test_a_repair_that_widens_rights_must_be_acknowledged(
    database: Database, observer: Observer
) -> None:
    await observer.connection.execute("UPDATE workflows SET policy = 0")
    plan = await plan_for(database)
    with pytest.raises(RefusedByGuard, match="--allow-widening: Under workflow incident_response"):
        await apply_plan(database, plan, ApplyRequest("ada", Allowances()))
    changes = {change.key: change for change in plan.changes}
    incidents = changes[Key(Kind.WORKFLOW, "incident_response")]
    assert incidents.impact.gaining.by_status == {Status.OPEN: 1}


async def test_a_repair_that_switches_ticketing_off_must_be_acknowledged(
    database: Database, observer: Observer
) -> None:
    off = DECLARED | snapshot(switch(enabled=False))
    await reconcile(database, Desired(off), ADA, "git:2")
    await observer.connection.execute("UPDATE plugins SET declared = true")
    plan = await plan_for(database, off)
    [change] = plan.changes
    assert change.impact.frozen.by_status == {Status.OPEN: 1}
    with pytest.raises(RefusedByGuard, match="--allow-switch-off"):
        await apply_plan(database, plan, ApplyRequest("ada", Allowances()))


async def test_a_repair_counts_the_tickets_that_a_stored_grace_period_spared(
    database: Database, store: TicketStore, observer: Observer
) -> None:
    at_once = DECLARED | snapshot(auto_close("1s"))
    await reconcile(database, Desired(at_once), ADA, "git:2")
    await transition(store, await open_ticket(store), Status.IN_PROGRESS, Status.RESOLVED)
    await observer.connection.execute("UPDATE workflows SET auto_close = 'never'")
    plan = await plan_for(database, at_once)
    with pytest.raises(RefusedByGuard, match="--max-closed 1"):
        await apply_plan(database, plan, ApplyRequest("ada", Allowances()))
