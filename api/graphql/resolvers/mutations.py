"""Resolvers that create and change a ticket. Each parses a command and passes it to the store."""

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
    AssignToMe,
    Command,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    StartTicket,
    TransferTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.publications import PublishIncident, WithdrawIncident
from engine.tickets.ticket import Ticket

resolvers: Final = Resolvers()

Arguments = Mapping[str, object]
AnyCommand = TypeVar("AnyCommand", bound=Command)


def parse_command(command: type[AnyCommand], arguments: Arguments) -> AnyCommand:
    """Return the command for the arguments of a mutation.

    Raises:
        InvalidInput: arguments are invalid; the error lists all problems.

    """
    return command.parse(**{_field(name): _snake_keys(value) for name, value in arguments.items()})


@cache
def _field(argument: str) -> str:
    """Return the field of a command for an argument."""
    return "ticket" if argument == "id" else snake_case(argument)


def _snake_keys(value: object) -> object:
    """Return the value of an argument with the keys of input objects in snake_case."""
    if not isinstance(value, dict):
        return value
    return {snake_case(name): _snake_keys(inner) for name, inner in value.items()}


def _register(
    name: str,
    command: type[AnyCommand],
    execute: Callable[[TicketStore, Actor, AnyCommand], Awaitable[Ticket]],
) -> None:
    """Register the resolver of a mutation that executes a command."""

    async def resolve(
        _parent: object, arguments: Arguments, context: RequestContext, _info: object
    ) -> dict[str, Ticket]:
        parsed = parse_command(command, arguments)
        return {"ticket": await execute(context.store, context.actor, parsed)}

    resolvers.field(f"Mutation.{name}")(resolve)


_register("createTicket", CreateTicket, TicketStore.create)
_register("createTicketFromCatalog", CreateTicketFromCatalog, TicketStore.create_from_catalog)
_register("transitionTicket", TransitionTicket, TicketStore.transition)
_register("startTicket", StartTicket, TicketStore.start)
_register("assignToMe", AssignToMe, TicketStore.assign_to_me)
_register("assignTicket", AssignTicket, TicketStore.assign)
_register("transferTicket", TransferTicket, TicketStore.transfer)
_register("commentTicket", CommentTicket, TicketStore.comment)
_register("publishIncident", PublishIncident, TicketStore.publish)
_register("withdrawIncident", WithdrawIncident, TicketStore.withdraw)
_register("updateTicket", UpdateTicket, TicketStore.update)
