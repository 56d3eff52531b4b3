"""Plans of the database: which tickets and recorded transitions they affect."""

import pytest

from engine.declaration.models import Ticketing
from engine.resources.resource import declared_defaults, declared_resources
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import (
    AssignTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    TransferTicket,
    TransitionTicket,
)
from engine.vocabulary import ActorRoles, Status
from reconciler.desired import Desired
from reconciler.hazards import hazards
from reconciler.impact import AffectedTickets
from reconciler.planner import PlanExtras, make_plan
from reconciler.replay import Replay
from reconciler.report.text import as_text
from tests.support.declared_resources import declare
from tests.support.monitored_services import open_outage, service
from tests.support.personas import ADA, ANNA, MARTON
from tests.support.plans import INCIDENT
from tests.support.resources import snapshot, workflow

LIVE_SETTINGS = {
    "tickets that become readable": (
        {"visibility": "involved"},
        {"visibility": "everyone"},
        "exposed",
        "--allow-widening",
    ),
    "tickets while ticketing is off": (
        {"enabled": True},
        {"enabled": False},
        "frozen",
        "--allow-switch-off",
    ),
}


@pytest.mark.parametrize(
    ("before", "after", "group", "flag"), LIVE_SETTINGS.values(), ids=LIVE_SETTINGS
)
async def test_a_setting_that_affects_all_live_tickets_has_their_number(
    database: Database,
    store: TicketStore,
    before: dict[str, object],
    after: dict[str, object],
    group: str,
    flag: str,
) -> None:
    await declare(database, autoClose={"afterResolved": "1h"}, **before)
    for _ in range(2):
        command = CreateTicket.parse(title="VPN", workflow="incident_response")
        await store.create(ANNA, command)
    desired = Ticketing.model_validate({"autoClose": {"afterResolved": "1h"}} | after)
    async with database.snapshot() as session:
        plan = await make_plan(session, Desired(declared_resources(desired)), "git:2")
    [change] = plan.changes
    assert getattr(change.impact, group).by_status == {Status.OPEN: 2}
    assert [(each.tickets, each.remedy) for each in hazards(plan)] == [(2, flag)]


async def test_recorded_transitions_are_checked_against_the_proposed_workflows(
    database: Database, store: TicketStore
) -> None:
    for _ in range(3):
        command = CreateTicket.parse(title="VPN", workflow="incident_response")
        ticket = await store.create(ANNA, command)
        await store.assign(ANNA, AssignTicket.parse(ticket=ticket.id, assignee=MARTON.id))
        for to in (Status.IN_PROGRESS, Status.RESOLVED):
            await store.transition(MARTON, TransitionTicket.parse(ticket=ticket.id, to=to))
    narrower = workflow("incident_response", INCIDENT | {("IN_PROGRESS", "RESOLVED"): "requester"})
    desired = Desired({**declared_defaults(), **snapshot(narrower)})
    async with database.snapshot() as session:
        plan = await make_plan(session, desired, "git:2", extras=PlanExtras(90))
    assert isinstance(plan.replay, Replay)
    assert (plan.replay.days, plan.replay.times) == (90, 6)
    [refused] = plan.replay.refused
    assert (refused.source, refused.target, refused.times) == ("IN_PROGRESS", "RESOLVED", 3)
    assert (refused.held, refused.examples) == (ActorRoles.ASSIGNEE, (MARTON.id,))


async def test_the_live_tickets_that_keep_a_former_group_are_counted(
    database: Database, store: TicketStore
) -> None:
    def declaration(group: str) -> dict[str, object]:
        vpn = {"name": "vpn", "category": "it", "workflow": "incident_response"}
        names = {"displayName": "VPN", "defaults": {"assigneeGroup": group}}
        catalog = {"categories": [{"name": "it", "displayName": "IT"}], "items": [vpn | names]}
        return {"catalog": catalog, "groups": ["network-team", "vpn-team", "on-call"]}

    await declare(database, **declaration("network-team"))
    tickets = [
        await store.create_from_catalog(
            ANNA, CreateTicketFromCatalog.parse(item="vpn", title="VPN")
        )
        for _ in range(3)
    ]
    transfer = TransferTicket.parse(ticket=tickets[0].id, assignee_group="on-call")
    await store.transfer(ADA, transfer)
    await store.assign(ADA, AssignTicket.parse(ticket=tickets[1].id, assignee=ADA.id))
    await store.transition(ADA, TransitionTicket.parse(ticket=tickets[1].id, to=Status.IN_PROGRESS))
    desired = Ticketing.model_validate(declaration("vpn-team"))
    async with database.snapshot() as session:
        plan = await make_plan(session, Desired(declared_resources(desired)), "git:2")
    [change] = plan.changes
    assert change.impact.keeping.by_status == {Status.OPEN: 1, Status.IN_PROGRESS: 1}
    assert set(change.impact.keeping.examples) == {tickets[1].id, tickets[2].id}
    assert "2 live tickets keep the former assignee group" in str(as_text(plan))
    assert not list(hazards(plan))


async def test_an_outage_ticket_keeps_the_former_group_of_its_service(database: Database) -> None:
    ticket = await open_outage(database)
    other = service(slaGroup="on-call")
    desired = {**declared_resources(Ticketing()), other.key: other}
    async with database.snapshot() as session:
        plan = await make_plan(session, Desired(desired), "git:2")
    [change] = [each for each in plan.changes if each.key == other.key]
    assert change.impact.keeping == AffectedTickets({Status.OPEN: 1}, (ticket.id,))
