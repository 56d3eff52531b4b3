"""Resolvers: tickets, created and changed. Each fills in a form and hands it to the store."""

from collections.abc import Awaitable, Callable, Mapping
from functools import cache
from typing import Final, TypeVar

from api.graphql.registry import Resolvers
from api.json_encoding import snake_case
from api.runtime.request_context import RequestContext
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    Command,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.ticket import Ticket

resolvers: Final = Resolvers()

Arguments = Mapping[str, object]
Payload = dict[str, Ticket]
AnyForm = TypeVar("AnyForm", bound=Command)


def filled_in(form: type[AnyForm], arguments: Arguments) -> AnyForm:
    """Return the form that the arguments of a mutation fill in.

    Raises:
        InvalidInput: they don't; every complaint is listed.

    """
    return form.parse(**{field_of(name): as_written(value) for name, value in arguments.items()})


@cache
def field_of(argument: str) -> str:
    """Return the field of a form that an argument fills in."""
    return "ticket" if argument == "id" else snake_case(argument)


def as_written(value: object) -> object:
    """Return an argument as Python writes it: the keys of inputs in snake_case."""
    if not isinstance(value, dict):
        return value
    return {snake_case(name): as_written(inner) for name, inner in value.items()}


def changes_ticket(
    name: str,
    form: type[AnyForm],
    carry_out: Callable[[TicketStore, Actor, AnyForm], Awaitable[Ticket]],
) -> None:
    """Make a field of `Mutation`: its arguments fill in a form, which the store carries out."""

    async def resolve(
        _parent: object, arguments: Arguments, context: RequestContext, _info: object
    ) -> Payload:
        return {"ticket": await carry_out(context.store, context.actor, filled_in(form, arguments))}

    resolvers.field(f"Mutation.{name}")(resolve)


changes_ticket("createTicket", CreateTicket, TicketStore.create)
changes_ticket("createTicketFromCatalog", CreateTicketFromCatalog, TicketStore.create_from_catalog)
changes_ticket("transitionTicket", TransitionTicket, TicketStore.transition)
changes_ticket("assignTicket", AssignTicket, TicketStore.assign)
changes_ticket("commentTicket", CommentTicket, TicketStore.comment)
changes_ticket("updateTicket", UpdateTicket, TicketStore.update)
