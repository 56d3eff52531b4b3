"""Changes of several tickets in one request, each in its own transaction."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar

from engine.errors import InterlockError
from engine.tickets.actor import Actor
from engine.tickets.commands import ChangeCommand
from engine.tickets.ticket import Ticket

_Command = TypeVar("_Command", bound=ChangeCommand)


@dataclass(frozen=True, slots=True)
class TicketResult:
    """The result for one ticket: the ticket after the change, or an error."""

    id: str
    result: Ticket | InterlockError


async def change_each(
    actor: Actor,
    tickets: Iterable[str],
    command_for: Callable[[str], _Command],
    change: Callable[[Actor, _Command], Awaitable[Ticket]],
) -> list[TicketResult]:
    """Change tickets one after the other, so that one request uses only one connection.

    Args:
        actor: who changes the tickets.
        tickets: the ids of the tickets.
        command_for: returns the command for a ticket.
        change: a method of the store that executes such a command.

    """
    results = []
    for ticket in tickets:
        try:
            result: Ticket | InterlockError = await change(actor, command_for(ticket))
        except InterlockError as error:
            result = error
        results.append(TicketResult(ticket, result))
    return results
