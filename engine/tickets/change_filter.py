"""The changes of a ticket that subscribers receive, and the filter for them. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.tickets.actor import Actor
from engine.tickets.history import Entry, EntryKind
from engine.tickets.search import TicketTraits, ValueList
from engine.tickets.ticket import Ticket, revert_entry


@dataclass(frozen=True, slots=True)
class TicketChange:
    """An entry of a history, with the ticket before and after it.

    Attributes:
        before, after: the ticket right before and right after the entry, except for its version and
            time of change; `before` is None for the first entry.
        now: the current version of the ticket.

    """

    entry: Entry
    before: Ticket | None
    after: Ticket
    now: Ticket


def ticket_changes(ticket: Ticket, entries: Sequence[Entry]) -> Iterator[TicketChange]:
    """Yield the changes that lead to the current version of a ticket, latest first.

    Args:
        ticket: the current version.
        entries: the latest entries of the history, without gaps, oldest first.

    """
    state = ticket
    for entry in reversed(entries):
        before = None if entry.kind is EntryKind.CREATED else revert_entry(state, entry)
        yield TicketChange(entry, before, state, ticket)
        state = before or state


class ChangeFilter(TicketTraits):
    """Matches changes of tickets that meet the conditions before or after the change.

    Attributes:
        kinds: the entry is of one of these kinds.

    """

    kinds: ValueList[EntryKind] | None = None

    def matches(self, change: TicketChange, actor: Actor) -> bool:
        """Return whether a change matches; the actor is the subscriber."""
        if self.kinds is not None and change.entry.kind not in self.kinds:
            return False
        states = (change.after, change.before)
        return any(state is not None and self.matches_ticket(state, actor) for state in states)
