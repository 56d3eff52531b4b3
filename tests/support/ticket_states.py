"""Tickets in any state of a default workflow, and the users that its permissions distinguish."""

from typing import Final

from engine.declaration.defaults import default_workflows
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import AssignTicket, CreateTicket, TransitionTicket
from engine.tickets.ticket import Ticket
from engine.vocabulary import STATUSES
from engine.workflows.compiler import compile_workflow
from engine.workflows.policy import permits
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

BELA: Final = Actor("u_d2", "Béla T.")
VIEWERS: Final = {
    "requester": ANNA,
    "assignee": BELA,
    "group member": MARTON,
    "stranger": OUTSIDER,
    "admin": ADA,
}
WORKFLOWS: Final = {each.name: each for each in default_workflows()}
UNASSIGNED: Final = "unassigned"
"""An OPEN ticket without an assignee, which some viewers can start."""


async def ticket_in_state(store: TicketStore, workflow: str, state: str) -> Ticket:
    """Return a new ticket that Anna requested and that is assigned to Béla, if to anyone."""
    command = CreateTicket.parse(title="Printer", workflow=workflow, assignee_group="payment-team")
    ticket = await store.create(ANNA, command)
    if state == UNASSIGNED:
        return ticket
    assign = AssignTicket.parse(ticket=ticket.id, assignee=BELA.id)
    ticket = await store.assign(MARTON, assign)
    policy = compile_workflow(WORKFLOWS[workflow]).policy
    while ticket.status is not state:
        to = STATUSES[ticket.status.ordinal + 1]
        roles = BELA.roles_on(ticket.requester, ticket.assignee)
        actor = BELA if permits(policy, ticket.status, to, int(roles)) else ANNA
        ticket = await store.transition(actor, TransitionTicket.parse(ticket=ticket.id, to=to))
    return ticket
