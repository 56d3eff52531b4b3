"""Resolvers of mutations of several tickets."""

from typing import Final

from api.graphql.errors import format_error
from api.graphql.registry import Resolvers
from api.graphql.resolvers.mutations import Arguments, parse_command
from api.json_encoding import JsonObject
from api.runtime.request_context import RequestContext
from engine.errors import InterlockError
from engine.storage.tickets.bulk import TicketResult, change_each
from engine.tickets.bulk_commands import TransferTickets, TransitionTickets
from engine.tickets.ticket import Ticket

resolvers: Final = Resolvers()


class _ExtensionsScalar:
    """The details of an error, which clients only receive."""

    def serialize(self, value: JsonObject) -> JsonObject:
        return value

    def parse(self, value: object) -> object:
        raise ValueError(f"Extensions can't be sent: {value}")


resolvers.scalar("Extensions", _ExtensionsScalar())


@resolvers.field("Mutation.transitionTickets")
async def transition_tickets(
    _parent: object, arguments: Arguments, context: RequestContext, _info: object
) -> dict[str, object]:
    """Change the status of several tickets."""
    bulk = parse_command(TransitionTickets, arguments)
    results = await change_each(context.actor, bulk.ids, bulk.command_for, context.store.transition)
    return _payload(context, results)


@resolvers.field("Mutation.transferTickets")
async def transfer_tickets(
    _parent: object, arguments: Arguments, context: RequestContext, _info: object
) -> dict[str, object]:
    """Change the assignee group of several tickets."""
    bulk = parse_command(TransferTickets, arguments)
    results = await change_each(context.actor, bulk.ids, bulk.command_for, context.store.transfer)
    return _payload(context, results)


def _payload(context: RequestContext, results: list[TicketResult]) -> dict[str, object]:
    context.load_together([each.result for each in results if isinstance(each.result, Ticket)])
    return {"results": list(map(_result_fields, results))}


def _result_fields(each: TicketResult) -> dict[str, object]:
    if isinstance(each.result, InterlockError):
        return {"id": each.id, "ticket": None, "error": format_error(each.result)}
    return {"id": each.id, "ticket": each.result, "error": None}
