"""Applying a plan changes the database completely or not at all."""

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from api.runtime.workflows import WorkflowCache
from engine.errors import (
    ForbiddenTransition,
    LockHeld,
    PlanApplied,
    RefusedByGuard,
    StalePlan,
    Unavailable,
    UnknownGroup,
    WorkflowRetired,
)
from engine.resources.resource import Key, Resource, Snapshot, is_active
from engine.storage.postgres.database import Database
from engine.storage.resources.read import read_resources
from engine.storage.resources.revisions import read_revisions
from engine.storage.resources.workflows import DeclarationLocation, read_workflows
from engine.storage.sla.auto_close import close_resolved_tickets
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import AssignTicket, CreateTicket, TransitionTicket
from engine.tickets.ticket import Ticket
from engine.vocabulary import ActorRoles, Assignees, Status
from engine.workflows.policy import permits
from reconciler.allowances import Allowances
from reconciler.apply import ApplyRequest, apply_plan, reconcile
from reconciler.desired import Desired, read_desired
from reconciler.hazards import plan_approval
from reconciler.plan import Plan
from reconciler.planner import make_plan
from reconciler.revert import reverted_resources
from reconciler.values import ValuesInput
from tests.support.databases import for_all_kinds
from tests.support.lock_gates import Observer
from tests.support.personas import ANNA, MARTON
from tests.support.plans import EVERYTHING, INCIDENT
from tests.support.resources import auto_close, category, groups, item, service, snapshot, workflow

ADA = ApplyRequest(by="ada")
IN_PROGRESS, RESOLVED = Status.IN_PROGRESS, Status.RESOLVED
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
    """Declare `ALL`, and nothing else."""
    await reconcile(database, Desired(ALL), replace(ADA, allowed=EVERYTHING), source="git:1")


def without(*resources: Resource) -> dict[Key, Resource]:
    removed = {resource.key for resource in resources}
    return {key: each for key, each in ALL.items() if key not in removed}


def with_transitions(transitions: dict[tuple[str, str], str]) -> dict[Key, Resource]:
    return ALL | snapshot(workflow("vpn", transitions, "VPN"))


async def plan_for(database: Database, desired: Snapshot) -> Plan:
    """Plan in a read-only transaction, in which any write fails."""
    async with database.snapshot() as session:
        return await make_plan(session, Desired(desired), source="git:2")


async def active_resources(database: Database) -> Snapshot:
    live = (await read_resources(database)).resources
    return {key: each for key, each in live.items() if is_active(each)}


async def open_ticket(store: TicketStore, name: str = "vpn") -> Ticket:
    command = CreateTicket.parse(title="VPN", workflow=name)
    ticket = await store.create(ANNA, command)
    return await store.assign(ANNA, AssignTicket.parse(ticket=ticket.id, assignee=MARTON.id))


async def transition(store: TicketStore, ticket: Ticket, to: Status) -> Ticket:
    return await store.transition(MARTON, TransitionTicket.parse(ticket=ticket.id, to=to))


async def test_desired_resources_become_active(database: Database) -> None:
    assert await active_resources(database) == ALL
    assert (await plan_for(database, ALL)).is_empty
    await apply_plan(
        database,
        await plan_for(database, with_transitions({("OPEN", "CLOSED"): "any"})),
        replace(ADA, allowed=EVERYTHING),
    )
    assert await active_resources(database) == with_transitions({("OPEN", "CLOSED"): "any"})


async def test_every_revision_of_a_workflow_is_kept(database: Database) -> None:
    narrower = with_transitions(INCIDENT | {("RESOLVED", "IN_PROGRESS"): "requester"})
    await reconcile(database, Desired(narrower), ADA, source="git:2")
    newest, oldest = await read_revisions(database, "vpn")
    assert (newest.by, newest.source, oldest.source) == ("ada", "git:2", "git:1")
    assert oldest.declaration == FLOW.declaration
    assert newest.number > oldest.number


VALUES = """\
ticketing:
  workflows:
    - name: hotfix
      transitions: [{from: OPEN, to: CLOSED, role: any}]
"""


async def test_a_revision_says_where_it_is_declared(database: Database) -> None:
    async def apply(text: str) -> Plan:
        desired = read_desired(ValuesInput([("deploy/values.yaml", text)]))
        return await reconcile(database, desired, replace(ADA, allowed=EVERYTHING), source="git:2")

    await apply(VALUES)
    assert (await apply(f"# A comment moves all lines.\n\n{VALUES}")).is_empty
    [first] = await read_revisions(database, "hotfix")
    assert (first.file, first.line) == ("deploy/values.yaml", 3)
    await apply(f"# A comment moves all lines.\n\n{VALUES.replace('any', 'requester')}")
    newest, _ = await read_revisions(database, "hotfix")
    assert (newest.file, newest.line) == ("deploy/values.yaml", 5)
    stored = await read_workflows(database)
    assert stored.locations["hotfix"] == DeclarationLocation("deploy/values.yaml", 5, newest.number)
    assert "incident_response" not in stored.locations  # a default workflow


async def test_a_retired_workflow_strands_its_tickets_until_it_is_revived(
    database: Database, store: TicketStore
) -> None:
    ticket = await open_ticket(store)
    plan = await plan_for(database, without(FLOW, item("vpn", "vpn", "access")))
    assert plan.changes[0].impact.stranded.by_status == {Status.OPEN: 1}
    with pytest.raises(RefusedByGuard, match="--max-stranded 1"):
        await apply_plan(database, plan, replace(ADA, allowed=Allowances(many_retired=True)))
    assert await active_resources(database) == ALL

    await apply_plan(database, plan, replace(ADA, allowed=Allowances(1, many_retired=True)))
    with pytest.raises(ForbiddenTransition) as refused:
        await transition(store, ticket, Status.IN_PROGRESS)
    assert refused.value.details["reason"] == "workflow_retired"
    with pytest.raises(WorkflowRetired):
        await open_ticket(store)

    await reconcile(database, Desired(ALL), replace(ADA, allowed=EVERYTHING), source="git:3")
    assert (await transition(store, ticket, Status.IN_PROGRESS)).status is Status.IN_PROGRESS
    assert len(await read_revisions(database, "vpn")) == 2


async def test_declared_groups_are_known_until_they_are_removed(database: Database) -> None:
    store = TicketStore(database, assignees=Assignees.KNOWN)
    form = CreateTicket.parse(title="VPN", workflow="vpn", assignee_group="on-call")
    with pytest.raises(UnknownGroup):
        await store.create(ANNA, form)
    declared = Desired(ALL | snapshot(groups("on-call", "it-desk")))
    plan = await reconcile(database, declared, ADA, source="git:2")
    assert [str(each.key) for each in plan.changes] == ["setting groups"]
    assert (await reconcile(database, declared, ADA, source="git:2")).is_empty
    assert (await store.create(ANNA, form)).assignee_group == "on-call"
    await reconcile(database, Desired(ALL), replace(ADA, allowed=EVERYTHING), source="git:3")
    with pytest.raises(UnknownGroup):
        await store.create(ANNA, form)


async def test_a_plan_is_applied_once(database: Database) -> None:
    plan = await plan_for(database, ALL | snapshot(auto_close("1h")))
    await apply_plan(database, plan, ADA)
    await reconcile(database, Desired(ALL), ADA, source="git:3")
    with pytest.raises(PlanApplied, match="by ada"):
        await apply_plan(database, plan, ADA)
    assert await active_resources(database) == ALL


async def test_an_applied_plan_is_refused_as_applied_before_anything_else(
    database: Database,
) -> None:
    wider = await plan_for(database, with_transitions(INCIDENT | {("RESOLVED", "CLOSED"): "any"}))
    await apply_plan(database, wider, replace(ADA, allowed=EVERYTHING))
    with pytest.raises(PlanApplied, match="by ada"):
        await apply_plan(database, wider, ApplyRequest(by="bob"))
    await reconcile(database, Desired(ALL), ADA, source="git:3")
    with pytest.raises(PlanApplied, match="by ada"):
        await apply_plan(database, wider, ApplyRequest(by="bob"))


async def test_a_stale_plan_is_refused_as_stale_before_its_hazards(database: Database) -> None:
    wider = await plan_for(database, with_transitions(INCIDENT | {("RESOLVED", "CLOSED"): "any"}))
    narrower = with_transitions(INCIDENT | {("RESOLVED", "IN_PROGRESS"): "requester"})
    await reconcile(database, Desired(narrower), ApplyRequest(by="bob"), source="git:9")
    with pytest.raises(StalePlan, match="workflow vpn: planned: "):
        await apply_plan(database, wider, ADA)


async def test_a_plan_is_stale_if_a_resource_that_it_changes_has_changed(
    database: Database,
) -> None:
    plan = await plan_for(database, ALL | snapshot(auto_close("1h")))
    await reconcile(
        database, Desired(ALL | snapshot(auto_close("2h"))), ApplyRequest(by="bob"), source="git:9"
    )
    with pytest.raises(StalePlan, match=r"setting autoClose: planned: .* now: .*by bob .*git:9"):
        await apply_plan(database, plan, ADA)


async def test_a_plan_stays_fresh_after_unrelated_changes(database: Database) -> None:
    plan = await plan_for(database, ALL | snapshot(auto_close("1h")))
    unrelated = ALL | snapshot(service("acme/vpn", "vpn-team"))
    await reconcile(database, Desired(unrelated), ApplyRequest(by="bob"), source="git:9")
    await apply_plan(database, plan, ADA)
    assert await active_resources(database) == unrelated | snapshot(auto_close("1h"))


async def test_a_plan_that_strands_more_tickets_than_planned_is_stale(
    database: Database, store: TicketStore
) -> None:
    await open_ticket(store, "badge")
    plan = await plan_for(database, without(OTHER))
    await open_ticket(store, "badge")
    with pytest.raises(StalePlan, match="1 live ticket stranded; now: 2 live tickets"):
        await apply_plan(database, plan, replace(ADA, allowed=EVERYTHING))
    assert await active_resources(database) == ALL


async def test_tickets_can_change_while_an_apply_waits_and_are_counted_again(
    database: Database, store: TicketStore, observer: Observer
) -> None:
    await open_ticket(store, "badge")
    plan = await plan_for(database, without(OTHER))
    request = replace(ADA, allowed=Allowances(stranded=1, many_retired=True))
    async with observer.holding("LOCK TABLE tickets IN ROW EXCLUSIVE MODE"):
        applying = asyncio.create_task(apply_plan(database, plan, request))
        await observer.wait_until_looking()
        await open_ticket(store, "badge")
    with pytest.raises(StalePlan, match="1 live ticket stranded; now: 2 live tickets"):
        await applying

    async with observer.holding("LOCK TABLE tickets IN ROW EXCLUSIVE MODE"):
        second_attempt = asyncio.create_task(
            reconcile(
                database,
                Desired(without(OTHER)),
                replace(request, allowed=Allowances(stranded=2, many_retired=True)),
                source="git:2",
            )
        )
        await observer.wait_until_looking()
        await open_ticket(store, "badge")
    with pytest.raises(RefusedByGuard, match="--max-stranded 3"):
        await second_attempt
    assert await active_resources(database) == ALL


async def test_rights_are_widened_only_if_acknowledged(database: Database) -> None:
    wider = await plan_for(database, with_transitions(INCIDENT | {("RESOLVED", "CLOSED"): "any"}))
    with pytest.raises(RefusedByGuard, match="--allow-widening"):
        await apply_plan(database, wider, ADA)
    await apply_plan(database, wider, replace(ADA, allowed=Allowances(widening=True)))


async def test_a_server_with_an_outdated_cache_enforces_the_new_workflow(
    database: Database, store: TicketStore
) -> None:
    ticket = await open_ticket(store)
    outdated = await WorkflowCache.read(for_all_kinds(database))
    narrower = {pair: role for pair, role in INCIDENT.items() if pair != ("OPEN", "IN_PROGRESS")}
    await reconcile(
        database,
        Desired(with_transitions(narrower)),
        replace(ADA, allowed=EVERYTHING),
        source="git:2",
    )
    shown = outdated.registry.named("vpn").policy
    assert permits(shown, Status.OPEN, Status.IN_PROGRESS, ActorRoles.ASSIGNEE)
    with pytest.raises(ForbiddenTransition) as refused:
        await transition(store, ticket, Status.IN_PROGRESS)
    assert refused.value.details["reason"] == "no_such_transition"


async def test_reconciliations_run_one_at_a_time(database: Database, observer: Observer) -> None:
    plan = await plan_for(database, with_transitions(INCIDENT | {("OPEN", "CLOSED"): "requester"}))
    request = replace(ADA, allowed=EVERYTHING)
    other = await plan_for(database, ALL | snapshot(auto_close("1h")))
    async with observer.closed_gate("workflow_revisions"):
        first = asyncio.create_task(apply_plan(database, plan, request))
        await observer.wait_until_blocked(1)
        with pytest.raises(LockHeld, match="started by ada at"):
            await apply_plan(database, other, ApplyRequest(by="bob"))
        second = asyncio.create_task(apply_plan(database, other, ApplyRequest(by="bob", wait=True)))
        await observer.wait_for(1, "query = 'COMMIT'")  # the second one has tried
    await asyncio.gather(first, second)
    assert (await plan_for(database, await active_resources(database))).is_empty
    assert (await active_resources(database))[auto_close("1h").key] == auto_close("1h")


@pytest.mark.parametrize("table", ["reconciliations", "workflow_revisions", "services"])
async def test_a_killed_apply_changes_nothing(
    database: Database, observer: Observer, table: str
) -> None:
    desired = with_transitions({("OPEN", "CLOSED"): "any"}) | snapshot(service("new", "g"))
    plan = await plan_for(database, desired)
    async with observer.closed_gate(table):
        applying = asyncio.create_task(apply_plan(database, plan, replace(ADA, allowed=EVERYTHING)))
        [backend] = await observer.wait_until_blocked(1)
        await observer.connection.execute("SELECT pg_terminate_backend($1)", backend)
        with pytest.raises(Unavailable):
            await applying
    assert await active_resources(database) == ALL
    await apply_plan(database, plan, replace(ADA, allowed=EVERYTHING))
    assert await active_resources(database) == desired


async def test_a_reconciliation_without_changes_waits_for_no_lock(
    database: Database, observer: Observer
) -> None:
    async with observer.holding("LOCK TABLE tickets IN ROW EXCLUSIVE MODE"):
        assert (await reconcile(database, Desired(ALL), ADA, source="git:1")).is_empty


async def test_an_applied_plan_can_be_reverted(database: Database) -> None:
    desired = without(item("vpn", "vpn", "access"), FLOW) | snapshot(
        workflow("new", INCIDENT), service("acme/vpn", "x-team"), auto_close("never")
    )
    plan = await plan_for(database, desired)
    await apply_plan(database, plan, replace(ADA, allowed=EVERYTHING))
    live = (await read_resources(database)).resources
    undoing = await plan_for(database, reverted_resources(live, plan))
    await apply_plan(database, undoing, replace(ADA, allowed=EVERYTHING))
    assert await active_resources(database) == ALL


def with_grace_period(period: str) -> dict[Key, Resource]:
    return ALL | snapshot(auto_close(period))


async def test_a_shorter_grace_period_closes_no_more_tickets_than_acknowledged(
    database: Database, store: TicketStore
) -> None:
    for _ in range(2):
        ticket = await open_ticket(store)
        await transition(store, await transition(store, ticket, IN_PROGRESS), RESOLVED)
    plan = await plan_for(database, with_grace_period("1s"))
    for allowed in (Allowances(), Allowances(closed=1)):
        with pytest.raises(RefusedByGuard, match=r"--max-closed 2: .* closes 2 tickets for good"):
            await apply_plan(database, plan, replace(ADA, allowed=allowed))
    await apply_plan(database, plan, replace(ADA, allowed=Allowances(closed=2)))
    assert await close_resolved_tickets(database, ticket.created_at + timedelta(hours=1)) == 2


async def test_tickets_that_would_be_closed_are_counted_again_under_the_lock(
    database: Database, store: TicketStore, observer: Observer
) -> None:
    ticket = await transition(store, await open_ticket(store), IN_PROGRESS)
    plan = await plan_for(database, with_grace_period("1s"))
    async with observer.holding("LOCK TABLE tickets IN ROW EXCLUSIVE MODE"):
        applying = asyncio.create_task(apply_plan(database, plan, ADA))
        await observer.wait_until_looking()
        await transition(store, ticket, RESOLVED)
    with pytest.raises(RefusedByGuard, match="--max-closed 1"):
        await applying
    assert await active_resources(database) == ALL


async def test_a_longer_grace_period_is_no_hazard(database: Database, store: TicketStore) -> None:
    await reconcile(database, Desired(with_grace_period("1s")), ADA, source="git:2")
    ticket = await open_ticket(store)
    await transition(store, await transition(store, ticket, IN_PROGRESS), RESOLVED)
    plan = await plan_for(database, ALL)
    [change] = plan.changes
    assert change.impact.spared.by_status == {RESOLVED: 1}
    await apply_plan(database, plan, ADA)


async def test_an_approval_ends_with_the_next_reconciliation(database: Database) -> None:
    """Also one that changes other resources, before the approved plan is applied."""
    plan = await plan_for(database, without(OTHER))
    approved = replace(plan, approved=plan_approval(plan))
    await apply_plan(database, await plan_for(database, ALL | snapshot(auto_close("1h"))), ADA)
    with pytest.raises(StalePlan):
        await apply_plan(database, approved, ADA)
    unapproved = replace(plan, approved="")
    await apply_plan(database, unapproved, replace(ADA, allowed=EVERYTHING))
