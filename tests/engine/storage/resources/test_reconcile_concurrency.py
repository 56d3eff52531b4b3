"""Workflows change while tickets do: each interleaving is forced, none is hoped for."""

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
    at_first_and_long_after,
    comment,
    edit,
    everything,
    flaws,
    hand_over,
    open_another,
    open_ticket,
    pick_up,
    pick_up_others,
    with_and_without_a_key,
)
from tests.support.declared_resources import put
from tests.support.lock_gates import Observer, observing

HOLD_TICKETS = "LOCK TABLE tickets IN EXCLUSIVE MODE"


def narrowed() -> Resource:
    """Return incident_response, in which nothing is allowed any more."""
    (workflow,) = (each for each in default_workflows() if each.name == "incident_response")
    changed = workflow.model_copy(update={"transitions": ()})
    return Resource.of(Kind.WORKFLOW, workflow.name, changed)


async def put_narrowed(database: Database) -> None:
    await put(database, [narrowed()])


@with_and_without_a_key
@at_first_and_long_after
async def test_a_transition_that_waited_for_a_reconciliation_is_judged_by_the_new_policy(
    store: TicketStore,
    database: Database,
    observer: Observer,
    key: dict[str, object],
    times_before: int,
) -> None:
    await pick_up_others(store, times_before, key)
    ticket = await open_ticket(store)
    async with observer.closed_gate("workflow_revisions"):
        reconciling = asyncio.create_task(put_narrowed(database))
        await observer.see_waiting(1)
        moving = asyncio.create_task(pick_up(store, ticket, **key))
        await observer.see_waiting(2)
    await reconciling
    with pytest.raises(ForbiddenTransition) as refused:
        await moving
    assert refused.value.details["reason"] == "no_such_transition"
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == ticket


@pytest.mark.parametrize("change", [comment, hand_over, edit, open_another])
@with_and_without_a_key
async def test_a_change_that_waited_for_a_reconciliation_is_recorded_under_its_revision(
    store: TicketStore,
    database: Database,
    observer: Observer,
    change: Change,
    key: dict[str, object],
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("workflow_revisions"):
        reconciling = asyncio.create_task(put_narrowed(database))
        await observer.see_waiting(1)
        changing = asyncio.create_task(change(store, ticket, **key))
        await observer.see_waiting(2)
    await reconciling
    changed = await changing
    latest = (await read_histories(database, [changed.id]))[changed.id][-1]
    in_force = await observer.connection.fetchval(
        "SELECT revision FROM workflows WHERE name = 'incident_response'"
    )
    assert latest.workflow_revision == in_force
    assert await flaws(database) == []


async def test_a_reconciliation_waits_for_changes_under_way_and_goes_before_later_ones(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    first, second = await open_ticket(store), await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        under_way = asyncio.create_task(pick_up(store, first))
        await observer.see_waiting(1)
        reconciling = asyncio.create_task(put_narrowed(database))
        await observer.see_waiting(2)
        later = asyncio.create_task(pick_up(store, second))
        await observer.see_waiting(3)
    assert (await under_way).status is PICKED_UP
    await reconciling
    with pytest.raises(ForbiddenTransition):
        await later
    opened, moved = (await read_histories(database, [first.id]))[first.id]
    assert moved.workflow_revision == opened.workflow_revision
    assert await everything(database) == {first.id: 2, second.id: 1}


@with_and_without_a_key
async def test_no_ticket_slips_into_a_workflow_that_was_just_retired(
    store: TicketStore, database: Database, observer: Observer, key: dict[str, object]
) -> None:
    async with observer.holding(HOLD_TICKETS, "UPDATE workflows SET retired_at = now()"):
        opening = asyncio.create_task(open_ticket(store, **key))
        await observer.see_waiting(1)
    with pytest.raises(WorkflowRetired):
        await opening
    assert await everything(database) == {}


async def test_a_workflow_is_retired_after_the_tickets_that_were_being_opened(
    store: TicketStore, database: Database, observer: Observer, database_url: str
) -> None:
    async def tickets_seen_when_retiring() -> int:
        async with observing(database_url) as other, other.holding(HOLD_TICKETS):
            seen: int = await other.connection.fetchval("SELECT count(*) FROM tickets")
            return seen

    async with observer.closed_gate("ticket_status_history"):
        opening = asyncio.create_task(open_ticket(store))
        await observer.see_waiting(1)
        retiring = asyncio.create_task(tickets_seen_when_retiring())
        await observer.see_waiting(2)
    ticket = await opening
    assert await retiring == 1
    assert await everything(database) == {ticket.id: 1}
