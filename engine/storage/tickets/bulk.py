"""Several tickets in one request, each in a transaction of its own."""

from dataclasses import dataclass

from engine.errors import InterlockError
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import TransitionTicket, TransitionTickets
from engine.tickets.ticket import Ticket


@dataclass(frozen=True, slots=True)
class TransitionResult:
    """What became of one ticket: how it now is, or why nothing happened to it."""

    id: str
    result: Ticket | InterlockError


async def transition_each(
    store: TicketStore, actor: Actor, form: TransitionTickets
) -> list[TransitionResult]:
    """Move tickets one after the other, so that one request never takes all connections."""
    return [
        TransitionResult(each.ticket, await moved_or_refused(store, actor, each))
        for each in form.each()
    ]


async def moved_or_refused(
    store: TicketStore, actor: Actor, form: TransitionTicket
) -> Ticket | InterlockError:
    """Return the moved ticket, or the refusal."""
    try:
        return await store.transition(actor, form)
    except InterlockError as refusal:
        return refusal
