"""Transitions of several tickets in one request, each in its own transaction."""

from dataclasses import dataclass

from engine.errors import InterlockError
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import TransitionTickets
from engine.tickets.ticket import Ticket


@dataclass(frozen=True, slots=True)
class TransitionResult:
    """The result for one ticket: the ticket after the transition, or an error."""

    id: str
    result: Ticket | InterlockError


async def transition_each(
    store: TicketStore, actor: Actor, command: TransitionTickets
) -> list[TransitionResult]:
    """Transition tickets one after the other, so that one request uses only one connection."""
    results = []
    for each in command.each():
        try:
            result: Ticket | InterlockError = await store.transition(actor, each)
        except InterlockError as error:
            result = error
        results.append(TransitionResult(each.ticket, result))
    return results
