"""The ticket before and after each entry of its history, and filters of such changes. Pure."""

from collections.abc import Iterator, Sequence

from engine.tickets.actor import Actor
from engine.tickets.history import Entry, EntryKind
from engine.tickets.search import TicketTraits, ValueList
from engine.tickets.ticket import Ticket, revert_entry


def ticket_states(
    ticket: Ticket, entries: Sequence[Entry]
) -> Iterator[tuple[Entry, Ticket | None, Ticket]]:
    """Yield entries, latest first, each with the ticket right before and right after it.

    The version and the time of the last change are not reverted. There is no ticket before the
    entry that opens it.

    Args:
        ticket: the current ticket.
        entries: the latest entries of its history, without gaps, oldest first.

    """
    after = ticket
    for entry in reversed(entries):
        before = None if entry.kind is EntryKind.CREATED else revert_entry(after, entry)
        yield entry, before, after
        after = before or after


class ChangeFilter(TicketTraits):
    """Selects changes of tickets that match before or after the change.

    Attributes:
        kinds: the kinds of entries that are selected.

    """

    kinds: ValueList[EntryKind] | None = None

    def matches(self, entry: Entry, before: Ticket | None, after: Ticket, actor: Actor) -> bool:
        """Return whether the filter of this actor selects a change."""
        if self.kinds is not None and entry.kind not in self.kinds:
            return False
        states = (after, before)
        return any(state is not None and self.matches_ticket(state, actor) for state in states)
