"""Resolvers of tickets."""

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


class _TicketByIdArguments(TypedDict):
    id: str


@resolvers.field("Query.ticket")
async def ticket(
    _parent: object, arguments: _TicketByIdArguments, context: RequestContext, _info: object
) -> Ticket:
    """Return the ticket with an id."""
    return await read_ticket(context.databases.reads, context.viewer, arguments["id"])


@resolvers.field("Ticket.workflowDefinition")
async def workflow_definition(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> CompiledWorkflow:
    """Return the workflow of a ticket."""
    return await context.workflows.named(ticket.workflow)


@resolvers.field("Ticket.requester")
async def requester(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> User | None:
    """Return the user whom a ticket is for."""
    return User.of(ticket.requester, await context.loader_of(ticket).involved_names())


@resolvers.field("Ticket.assignee")
async def assignee(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> User | None:
    """Return the user whom a ticket is assigned to."""
    return User.of(ticket.assignee, await context.loader_of(ticket).involved_names())


@resolvers.field("Ticket.transitions", reads_viewer=True)
async def transitions(
    ticket: Ticket, _arguments: object, context: RequestContext, _info: object
) -> list[dict[str, object]]:
    """Return, for each status, whether the viewer can change the ticket to it now."""
    workflow = await context.workflows.named(ticket.workflow)
    roles = context.actor.roles_on(ticket.requester, ticket.assignee)
    return [_transition_fields(explain(workflow, ticket.status, to, roles)) for to in STATUSES]


def _transition_fields(explanation: Explanation) -> dict[str, object]:
    return {
        "to": explanation.target,
        "allowed": explanation.allowed,
        "reason": explanation.reason,
        "message": explanation.message,
        "allowedRoles": role_names(explanation.allowed_roles),
        "shortestPath": list(explanation.shortest_path),
    }


def role_names(roles: ActorRoles) -> list[str]:
    """Return roles as values of the GraphQL enum `ActorRole`."""
    return [name.upper() for name in roles.names]
