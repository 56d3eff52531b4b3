"""Resolvers: tickets, read."""

from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.graphql.resolvers.users import User
from api.runtime.request_context import RequestContext
from engine.storage.tickets.reader import read_ticket
from engine.tickets.ticket import Ticket
from engine.vocabulary import STATUSES, ActorRoles
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.explanation import Explanation, explain

resolvers: Final = Resolvers()


class ById(TypedDict):
    """The arguments of `Query.ticket`."""

    id: str


@resolvers.field("Query.ticket")
async def ticket(
    _parent: object, arguments: ById, context: RequestContext, _info: object
) -> Ticket:
    """Return the ticket of an id."""
    return await read_ticket(context.database, context.viewer, arguments["id"])


@resolvers.field("Ticket.workflowDefinition")
async def workflow_definition(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> CompiledWorkflow:
    """Return a ticket's workflow."""
    return await context.workflows.named(ticket.workflow)


@resolvers.field("Ticket.requester")
async def requester(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> User | None:
    """Return the person who opened a ticket."""
    return User.of(ticket.requester, await context.loader_of(ticket).involved_names())


@resolvers.field("Ticket.assignee")
async def assignee(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> User | None:
    """Return the person whom a ticket is assigned to."""
    return User.of(ticket.assignee, await context.loader_of(ticket).involved_names())


@resolvers.field("Ticket.transitions", reads_viewer=True)
async def transitions(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> list[dict[str, object]]:
    """Return, for each status, whether the person who asks may move a ticket there now."""
    workflow = await context.workflows.named(ticket.workflow)
    held = context.actor.roles_on(ticket.requester, ticket.assignee)
    return [transition_fields(explain(workflow, ticket.status, to, held)) for to in STATUSES]


def transition_fields(answer: Explanation) -> dict[str, object]:
    """Return the fields of a transition."""
    return {
        "to": answer.target,
        "allowed": answer.allowed,
        "reason": answer.reason,
        "message": answer.message,
        "allowedRoles": role_names(answer.allowed_roles),
        "shortestPath": list(answer.shortest_path),
    }


def role_names(roles: ActorRoles) -> list[str]:
    """Return roles as the schema names them."""
    return [name.upper() for name in roles.names]
