"""Plans of the database, with the transitions that they would have refused."""

from engine.resources.resource import declared_defaults
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import AssignTicket, CreateTicket, TransitionTicket
from engine.vocabulary import ActorRoles, Status
from reconciler.desired import Desired
from reconciler.planner import PlanExtras, make_plan
from reconciler.replay import Replay
from tests.support.personas import ANNA, MARTON
from tests.support.plans import INCIDENT
from tests.support.resources import snapshot, workflow


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
