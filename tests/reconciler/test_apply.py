"""Applying does what the plan said, all of it or nothing, and nobody gets around it."""

import asyncio
from dataclasses import replace

import pytest

from api.runtime.workflows import WorkflowCache
from engine.errors import (
    ForbiddenTransition,
    LockHeld,
    PlanApplied,
    RefusedByGuard,
    StalePlan,
    Unavailable,
    WorkflowRetired,
)
from engine.resources.resource import Key, Resource, Snapshot
from engine.storage.postgres.database import Database
from engine.storage.resources.read import read_resources
from engine.storage.resources.revisions import read_revisions
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import AssignTicket, CreateTicket, TransitionTicket
from engine.tickets.ticket import Ticket
from engine.vocabulary import ActorRoles, Status
from engine.workflows.policy import permits
from reconciler.apply import ApplyRequest, apply_plan, reconcile
from reconciler.desired import Desired
from reconciler.hazards import Allowances
from reconciler.impact import is_in_force
from reconciler.plan import Plan
from reconciler.planner import plan_for
from reconciler.replay import Replay
from reconciler.revert import reverted
from tests.support.lock_gates import Observer
from tests.support.personas import ANNA, MARTON
from tests.support.plans import INCIDENT
from tests.support.resources import auto_close, category, item, service, snapshot, workflow

ADA = ApplyRequest(by="ada")
ANYTHING = Allowances(stranded=1_000, widening=True, many_retired=True)
FLOW = workflow("vpn", INCIDENT, "VPN")
OTHER = workflow("badge", INCIDENT)
ALL = snapshot(
    FLOW,
    OTHER,
    category("access", "Access"),
    item("vpn", "vpn", "access"),
    service("acme/vpn", "network-team"),
    auto_close("24h"),
)

pytestmark = pytest.mark.usefixtures("declared")


@pytest.fixture
async def declared(database: Database) -> None:
    """Put `ALL` in force, and nothing else."""
    await reconcile(database, Desired(ALL), replace(ADA, allowed=ANYTHING), source="git:1")


def without(*resources: Resource) -> dict[Key, Resource]:
    gone = {resource.key for resource in resources}
    return {key: each for key, each in ALL.items() if key not in gone}


def with_moves(moves: dict[tuple[str, str], str]) -> dict[Key, Resource]:
    return ALL | snapshot(workflow("vpn", moves, "VPN"))


async def planned(database: Database, desired: Snapshot) -> Plan:
    """Plan in a transaction that can't write, so a plan that wrote would fail."""
    async with database.snapshot() as session:
        return await plan_for(session, Desired(desired), source="git:2")


async def in_force(database: Database) -> Snapshot:
    live = (await read_resources(database)).resources
    return {key: each for key, each in live.items() if is_in_force(each)}


async def open_ticket(store: TicketStore, name: str = "vpn") -> Ticket:
    form = CreateTicket.parse(title="VPN", workflow=name)
    ticket = await store.create(ANNA, form)
    return await store.assign(ANNA, AssignTicket.parse(ticket=ticket.id, assignee=MARTON.id))


async def move(store: TicketStore, ticket: Ticket, to: Status) -> Ticket:
    return await store.transition(MARTON, TransitionTicket.parse(ticket=ticket.id, to=to))


async def test_what_is_desired_is_then_in_force(database: Database) -> None:
    assert await in_force(database) == ALL
    assert (await planned(database, ALL)).is_empty
    await apply_plan(
        database,
        await planned(database, with_moves({("OPEN", "CLOSED"): "any"})),
        replace(ADA, allowed=ANYTHING),
    )
    assert await in_force(database) == with_moves({("OPEN", "CLOSED"): "any"})


async def test_a_workflow_keeps_every_revision(database: Database) -> None:
    narrower = with_moves(INCIDENT | {("RESOLVED", "IN_PROGRESS"): "requester"})
    await reconcile(database, Desired(narrower), ADA, source="git:2")
    newest, oldest = await read_revisions(database, "vpn")
    assert (newest.by, newest.source, oldest.source) == ("ada", "git:2", "git:1")
    assert oldest.declaration == FLOW.declaration
    assert newest.number > oldest.number


async def test_a_retired_workflow_strands_its_tickets_until_it_is_back(
    database: Database, store: TicketStore
) -> None:
    ticket = await open_ticket(store)
    gone = without(FLOW, item("vpn", "vpn", "access"))
    plan = await planned(database, gone)
    assert plan.changes[0].impact.stranded.by_status == {Status.OPEN: 1}
    with pytest.raises(RefusedByGuard, match="--max-stranded 1"):
        await apply_plan(database, plan, replace(ADA, allowed=Allowances(many_retired=True)))
    assert await in_force(database) == ALL

    await apply_plan(database, plan, replace(ADA, allowed=Allowances(1, many_retired=True)))
    with pytest.raises(ForbiddenTransition) as refused:
        await move(store, ticket, Status.IN_PROGRESS)
    assert refused.value.details["reason"] == "workflow_retired"
    with pytest.raises(WorkflowRetired):
        await open_ticket(store)

    await reconcile(database, Desired(ALL), replace(ADA, allowed=ANYTHING), source="git:3")
    assert (await move(store, ticket, Status.IN_PROGRESS)).status is Status.IN_PROGRESS
    assert len(await read_revisions(database, "vpn")) == 2


async def test_a_plan_is_applied_once(database: Database) -> None:
    plan = await planned(database, ALL | snapshot(auto_close("1h")))
    await apply_plan(database, plan, ADA)
    await reconcile(database, Desired(ALL), ADA, source="git:3")
    with pytest.raises(PlanApplied, match="by ada"):
        await apply_plan(database, plan, ADA)
    assert await in_force(database) == ALL


async def test_a_plan_that_was_applied_is_refused_for_that_before_anything_else(
    database: Database,
) -> None:
    wider = await planned(database, with_moves(INCIDENT | {("RESOLVED", "CLOSED"): "any"}))
    await apply_plan(database, wider, replace(ADA, allowed=ANYTHING))
    with pytest.raises(PlanApplied, match="by ada"):
        await apply_plan(database, wider, ApplyRequest(by="bob"))
    await reconcile(database, Desired(ALL), ADA, source="git:3")
    with pytest.raises(PlanApplied, match="by ada"):
        await apply_plan(database, wider, ApplyRequest(by="bob"))


async def test_a_stale_plan_is_refused_for_that_before_its_harm(database: Database) -> None:
    wider = await planned(database, with_moves(INCIDENT | {("RESOLVED", "CLOSED"): "any"}))
    narrower = with_moves(INCIDENT | {("RESOLVED", "IN_PROGRESS"): "requester"})
    await reconcile(database, Desired(narrower), ApplyRequest(by="bob"), source="git:9")
    with pytest.raises(StalePlan, match="workflow vpn: planned: "):
        await apply_plan(database, wider, ADA)


async def test_a_plan_for_what_has_changed_since_is_stale(database: Database) -> None:
    plan = await planned(database, ALL | snapshot(auto_close("1h")))
    await reconcile(
        database, Desired(ALL | snapshot(auto_close("2h"))), ApplyRequest(by="bob"), source="git:9"
    )
    with pytest.raises(StalePlan, match=r"setting autoClose: planned: .* now: .*by bob .*git:9"):
        await apply_plan(database, plan, ADA)


async def test_a_plan_outlives_unrelated_changes(database: Database) -> None:
    plan = await planned(database, ALL | snapshot(auto_close("1h")))
    unrelated = ALL | snapshot(service("acme/vpn", "vpn-team"))
    await reconcile(database, Desired(unrelated), ApplyRequest(by="bob"), source="git:9")
    await apply_plan(database, plan, ADA)
    assert await in_force(database) == unrelated | snapshot(auto_close("1h"))


async def test_a_plan_that_would_strand_more_than_was_seen_is_stale(
    database: Database, store: TicketStore
) -> None:
    await open_ticket(store, "badge")
    plan = await planned(database, without(OTHER))
    await open_ticket(store, "badge")
    with pytest.raises(StalePlan, match="1 live ticket stranded; now: 2 live tickets"):
        await apply_plan(database, plan, replace(ADA, allowed=ANYTHING))
    assert await in_force(database) == ALL


async def test_tickets_are_worked_on_while_a_plan_is_recorded_and_counted_again_after(
    database: Database, store: TicketStore, observer: Observer
) -> None:
    await open_ticket(store, "badge")
    plan = await planned(database, without(OTHER))
    meant = replace(ADA, allowed=Allowances(stranded=1, many_retired=True))
    async with observer.closed_gate("reconciliations"):
        applying = asyncio.create_task(apply_plan(database, plan, meant))
        await observer.see_waiting(1)
        await open_ticket(store, "badge")
    with pytest.raises(StalePlan, match="1 live ticket stranded; now: 2 live tickets"):
        await applying

    await observer.connection.execute("DROP TRIGGER gate ON reconciliations")
    async with observer.closed_gate("reconciliations"):
        reconciling = asyncio.create_task(
            reconcile(
                database,
                Desired(without(OTHER)),
                replace(meant, allowed=Allowances(stranded=2, many_retired=True)),
                source="git:2",
            )
        )
        await observer.see_waiting(1)
        await open_ticket(store, "badge")
    with pytest.raises(RefusedByGuard, match="--max-stranded 3"):
        await reconciling
    assert await in_force(database) == ALL


async def test_rights_are_widened_only_if_that_is_meant(database: Database) -> None:
    wider = await planned(database, with_moves(INCIDENT | {("RESOLVED", "CLOSED"): "any"}))
    with pytest.raises(RefusedByGuard, match="--allow-widening"):
        await apply_plan(database, wider, ADA)
    await apply_plan(database, wider, replace(ADA, allowed=Allowances(widening=True)))


async def test_a_server_that_has_not_heard_lets_nothing_through(
    database: Database, store: TicketStore
) -> None:
    ticket = await open_ticket(store)
    deaf = await WorkflowCache.read(database)
    narrower = {pair: role for pair, role in INCIDENT.items() if pair != ("OPEN", "IN_PROGRESS")}
    await reconcile(
        database, Desired(with_moves(narrower)), replace(ADA, allowed=ANYTHING), source="git:2"
    )
    shown = deaf.registry.named("vpn").policy
    assert permits(shown, Status.OPEN, Status.IN_PROGRESS, ActorRoles.ASSIGNEE)
    with pytest.raises(ForbiddenTransition) as refused:
        await move(store, ticket, Status.IN_PROGRESS)
    assert refused.value.details["reason"] == "no_such_transition"


async def test_one_reconciles_at_a_time(database: Database, observer: Observer) -> None:
    plan = await planned(database, with_moves(INCIDENT | {("OPEN", "CLOSED"): "requester"}))
    meant = replace(ADA, allowed=ANYTHING)
    other = await planned(database, ALL | snapshot(auto_close("1h")))
    async with observer.closed_gate("workflow_revisions"):
        first = asyncio.create_task(apply_plan(database, plan, meant))
        await observer.see_waiting(1)
        with pytest.raises(LockHeld, match="started by ada at"):
            await apply_plan(database, other, ApplyRequest(by="bob"))
        second = asyncio.create_task(apply_plan(database, other, ApplyRequest(by="bob", wait=True)))
        await observer.see_waiting(2)
    await asyncio.gather(first, second)
    assert (await planned(database, await in_force(database))).is_empty
    assert (await in_force(database))[auto_close("1h").key] == auto_close("1h")


@pytest.mark.parametrize("table", ["reconciliations", "workflow_revisions", "services"])
async def test_an_apply_that_is_killed_leaves_what_was(
    database: Database, observer: Observer, table: str
) -> None:
    desired = with_moves({("OPEN", "CLOSED"): "any"}) | snapshot(service("new", "g"))
    plan = await planned(database, desired)
    async with observer.closed_gate(table):
        applying = asyncio.create_task(apply_plan(database, plan, replace(ADA, allowed=ANYTHING)))
        [backend] = await observer.see_waiting(1)
        await observer.connection.execute("SELECT pg_terminate_backend($1)", backend)
        with pytest.raises(Unavailable):
            await applying
    assert await in_force(database) == ALL
    await apply_plan(database, plan, replace(ADA, allowed=ANYTHING))
    assert await in_force(database) == desired


async def test_where_there_is_nothing_to_do_nobody_waits(
    database: Database, observer: Observer
) -> None:
    async with observer.holding("LOCK TABLE tickets IN ROW EXCLUSIVE MODE"):
        assert (await reconcile(database, Desired(ALL), ADA, source="git:1")).is_empty


async def test_an_applied_plan_can_be_undone(database: Database) -> None:
    desired = without(item("vpn", "vpn", "access"), FLOW) | snapshot(
        workflow("new", INCIDENT), service("acme/vpn", "x-team"), auto_close("never")
    )
    plan = await planned(database, desired)
    await apply_plan(database, plan, replace(ADA, allowed=ANYTHING))
    live = (await read_resources(database)).resources
    undoing = await planned(database, reverted(live, plan))
    await apply_plan(database, undoing, replace(ADA, allowed=ANYTHING))
    assert await in_force(database) == ALL


async def test_history_is_judged_by_the_proposed_workflows(
    database: Database, store: TicketStore
) -> None:
    for _ in range(3):
        ticket = await open_ticket(store)
        for to in (Status.IN_PROGRESS, Status.RESOLVED):
            await move(store, ticket, to)
    narrower = with_moves(INCIDENT | {("IN_PROGRESS", "RESOLVED"): "requester"})
    async with database.snapshot() as session:
        plan = await plan_for(session, Desired(narrower), "git:2", replay_days=90)
    assert isinstance(plan.replay, Replay)
    assert (plan.replay.days, plan.replay.times) == (90, 6)
    [refused] = plan.replay.refused
    assert (refused.source, refused.target, refused.times) == ("IN_PROGRESS", "RESOLVED", 3)
    assert (refused.held, refused.examples) == (ActorRoles.ASSIGNEE, (MARTON.id,))
