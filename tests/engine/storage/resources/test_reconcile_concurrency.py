"""Workflows change while tickets change; gates force each interleaving."""

import asyncio

import pytest

from engine.declaration.defaults import default_workflows
from engine.errors import (
    ForbiddenTransition,
    WorkflowRetired,
)
from engine.resources.resource import Kind, Resource
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.concurrent_changes import (
    PICKED_UP,
    Change,
    before_and_after_preparation,
    comment,
    edit,
    flaws,
    open_another,
    open_ticket,
    pick_up,
    pick_up_others,
    reassign,
    versions,
    with_and_without_a_key,
)
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import Observer, open_observer

HOLD_TICKETS = "LOCK TABLE tickets IN EXCLUSIVE MODE"


def without_transitions() -> Resource:
    """Return `incident_response` without transitions."""
    (workflow,) = (each for each in default_workflows() if each.name == "incident_response")
    changed = workflow.model_copy(update={"transitions": ()})
    return Resource.of(Kind.WORKFLOW, workflow.name, changed)


async def put_without_transitions(database: Database) -> None:
    await put_resources(database, [without_transitions()])


@with_and_without_a_key
@before_and_after_preparation
async def test_a_transition_that_waited_for_a_reconciliation_follows_the_new_policy(
    store: TicketStore,
    database: Database,
    observer: Observer,
    key: dict[str, object],
    times_before: int,
) -> None:
    await pick_up_others(store, times_before, key)
    ticket = await open_ticket(store)
    async with observer.closed_gate("workflow_revisions"):
        reconciling = asyncio.create_task(put_without_transitions(database))
        await observer.wait_until_blocked(1)
        picking_up = asyncio.create_task(pick_up(store, ticket, **key))
        await observer.wait_until_blocked(2)
    await reconciling
    with pytest.raises(ForbiddenTransition) as refused:
        await picking_up
    assert refused.value.details["reason"] == "no_such_transition"
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == ticket


@pytest.mark.parametrize("change", [comment, reassign, edit, open_another])
@with_and_without_a_key
async def test_a_change_that_waited_for_a_reconciliation_records_the_new_revision(
    store: TicketStore,
    database: Database,
    observer: Observer,
    change: Change,
    key: dict[str, object],
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("workflow_revisions"):
        reconciling = asyncio.create_task(put_without_transitions(database))
        await observer.wait_until_blocked(1)
        changing = asyncio.create_task(change(store, ticket, **key))
        await observer.wait_until_blocked(2)
    await reconciling
    changed = await changing
    latest = (await read_histories(database, [changed.id]))[changed.id][-1]
    active_revision = await observer.connection.fetchval(
        "SELECT revision FROM workflows WHERE name = 'incident_response'"
    )
    assert latest.workflow_revision == active_revision
    assert await flaws(database) == []


async def test_a_reconciliation_waits_for_running_changes_and_lets_later_ones_pass(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    first, second, third = [await open_ticket(store) for _ in range(3)]
    async with observer.closed_gate("ticket_status_history"):
        running = asyncio.create_task(pick_up(store, first))
        await observer.wait_until_blocked(1)
        reconciling = asyncio.create_task(put_without_transitions(database))
        await observer.wait_until_looking()
        later = asyncio.create_task(pick_up(store, second))
        await observer.wait_for(2, "wait_event = 'advisory'")  # both wait for the gate only
    assert (await running).status is (await later).status is PICKED_UP
    await reconciling
    with pytest.raises(ForbiddenTransition):
        await pick_up(store, third)
    opened, transition = (await read_histories(database, [first.id]))[first.id]
    assert transition.workflow_revision == opened.workflow_revision
    assert await versions(database) == {first.id: 2, second.id: 2, third.id: 1}


@with_and_without_a_key
async def test_no_ticket_is_opened_in_a_workflow_that_was_just_retired(
    store: TicketStore, database: Database, observer: Observer, key: dict[str, object]
) -> None:
    async with observer.holding(HOLD_TICKETS, "UPDATE workflows SET retired_at = now()"):
        opening = asyncio.create_task(open_ticket(store, **key))
        await observer.wait_until_blocked(1)
    with pytest.raises(WorkflowRetired):
        await opening
    assert await versions(database) == {}


async def test_retiring_a_workflow_waits_for_tickets_that_are_being_opened(
    store: TicketStore, database: Database, observer: Observer, database_url: str
) -> None:
    async def tickets_seen_when_retiring() -> int:
        async with open_observer(database_url) as other, other.holding(HOLD_TICKETS):
            seen: int = await other.connection.fetchval("SELECT count(*) FROM tickets")
            return seen

    async with observer.closed_gate("ticket_status_history"):
        opening = asyncio.create_task(open_ticket(store))
        await observer.wait_until_blocked(1)
        retiring = asyncio.create_task(tickets_seen_when_retiring())
        await observer.wait_until_blocked(2)
    ticket = await opening
    assert await retiring == 1
    assert await versions(database) == {ticket.id: 1}
