"""Resolvers: tickets, created and changed. Each fills in a form and hands it to the store."""

from collections.abc import Mapping
from typing import Final, TypeVar

from api.graphql.attributes import snake_case
from api.graphql.context import Context
from api.graphql.resolvers import Resolvers
from engine.tickets.requests import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    Form,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.ticket import Ticket

resolvers: Final = Resolvers()

Arguments = Mapping[str, object]
Payload = dict[str, Ticket]
AnyForm = TypeVar("AnyForm", bound=Form)


def filled_in(form: type[AnyForm], arguments: Arguments) -> AnyForm:
    """Return the form that the arguments of a mutation fill in.

    Raises:
        InvalidInput: they don't; every complaint is listed.

    """
    fields = {"id": "ticket"}
    return form.checked(
        **{
            fields.get(name, snake_case(name)): as_written(value)
            for name, value in arguments.items()
        }
    )


def as_written(value: object) -> object:
    """Return an argument as Python writes it: the keys of inputs in snake_case."""
    if not isinstance(value, Mapping):
        return value
    return {snake_case(name): as_written(inner) for name, inner in value.items()}


def payload(ticket: Ticket, context: Context) -> Payload:
    """Return what a mutation answers."""
    return {"ticket": context.together([ticket])[0]}


@resolvers.field("Mutation.createTicket")
async def create_ticket(
    _parent: object, arguments: Arguments, context: Context, _info: object
) -> Payload:
    """Open a ticket."""
    form = filled_in(CreateTicket, arguments)
    return payload(await context.store.create(context.actor, form), context)


@resolvers.field("Mutation.createTicketFromCatalog")
async def create_ticket_from_catalog(
    _parent: object, arguments: Arguments, context: Context, _info: object
) -> Payload:
    """Open a ticket from a catalog item."""
    form = filled_in(CreateTicketFromCatalog, arguments)
    return payload(await context.store.create_from_catalog(context.actor, form), context)


@resolvers.field("Mutation.transitionTicket")
async def transition_ticket(
    _parent: object, arguments: Arguments, context: Context, _info: object
) -> Payload:
    """Move a ticket to another status."""
    form = filled_in(TransitionTicket, arguments)
    return payload(await context.store.transition(context.actor, form), context)


@resolvers.field("Mutation.assignTicket")
async def assign_ticket(
    _parent: object, arguments: Arguments, context: Context, _info: object
) -> Payload:
    """Hand a ticket to somebody."""
    form = filled_in(AssignTicket, arguments)
    return payload(await context.store.assign(context.actor, form), context)


@resolvers.field("Mutation.commentTicket")
async def comment_ticket(
    _parent: object, arguments: Arguments, context: Context, _info: object
) -> Payload:
    """Say something about a ticket."""
    form = filled_in(CommentTicket, arguments)
    return payload(await context.store.comment(context.actor, form), context)


@resolvers.field("Mutation.updateTicket")
async def update_ticket(
    _parent: object, arguments: Arguments, context: Context, _info: object
) -> Payload:
    """Change title, description or priority of a ticket."""
    form = filled_in(UpdateTicket, arguments)
    return payload(await context.store.update(context.actor, form), context)
