"""Resolvers: several tickets changed by one request."""

from typing import Final

from api.graphql.errors import format_error
from api.graphql.registry import Resolvers
from api.graphql.resolvers.mutations import Arguments, filled_in
from api.json_encoding import JsonObject
from api.runtime.request_context import RequestContext
from engine.errors import InterlockError
from engine.storage.tickets.bulk import TransitionResult, transition_each
from engine.tickets.commands import TransitionTickets
from engine.tickets.ticket import Ticket

resolvers: Final = Resolvers()

Fields = dict[str, object]


class ExtensionsScalar:
    """The details of a refusal, which are only ever answered."""

    def serialize(self, value: JsonObject) -> JsonObject:
        """Return the details, which are JSON already."""
        return value

    def parse(self, value: object) -> object:
        """Refuse: nobody sends any.

        Raises:
            ValueError: always.

        """
        raise ValueError(f"Extensions are answered, never sent: {value}")


resolvers.scalar("Extensions", ExtensionsScalar())


@resolvers.field("Mutation.transitionTickets")
async def transition_tickets(
    _parent: object, arguments: Arguments, context: RequestContext, _info: object
) -> Fields:
    """Move tickets to another status."""
    form = filled_in(TransitionTickets, arguments)
    outcomes = await transition_each(context.store, context.actor, form)
    context.load_together([each.result for each in outcomes if isinstance(each.result, Ticket)])
    return {"outcomes": list(map(outcome_fields, outcomes))}


def outcome_fields(outcome: TransitionResult) -> Fields:
    """Return the fields of an outcome."""
    result = outcome.result
    if isinstance(result, InterlockError):
        return {"id": outcome.id, "ticket": None, "refusal": format_error(result)}
    return {"id": outcome.id, "ticket": result, "refusal": None}
