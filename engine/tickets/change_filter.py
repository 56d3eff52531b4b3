"""What followers of tickets are told of a change, and which changes they want. Pure."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.tickets.actor import Actor
from engine.tickets.history import Entry, EntryKind
from engine.tickets.search import TicketTraits, ValueList
from engine.tickets.ticket import Ticket, revert_entry


@dataclass(frozen=True, slots=True)
class TicketChange:
    """An entry of a history, and the ticket around it.

    Attributes:
        before, after: the ticket right before and right after the entry, save version and time of
            change; nothing comes before the entry that opens it.
        now: the ticket as it now is, which may be later.

    """

    entry: Entry
    before: Ticket | None
    after: Ticket
    now: Ticket


def ticket_changes(ticket: Ticket, entries: Sequence[Entry]) -> Iterator[TicketChange]:
    """Yield the changes, latest first, that brought a ticket where it now is.

    Args:
        ticket: as it now is.
        entries: the latest of its history, without gaps, oldest first.

    """
    state = ticket
    for entry in reversed(entries):
        before = None if entry.kind is EntryKind.CREATED else revert_entry(state, entry)
        yield TicketChange(entry, before, state, ticket)
        state = before or state


class ChangeFilter(TicketTraits):
    """Which changes are wanted: those of tickets that are so, were so until then, or became so.

    Attributes:
        kinds: what the entry records is one of these.

    """

    kinds: ValueList[EntryKind] | None = None

    def matches(self, change: TicketChange, actor: Actor) -> bool:
        """Tell whether this actor, who filled it in, wants to hear of a change."""
        if self.kinds is not None and change.entry.kind not in self.kinds:
            return False
        states = (change.after, change.before)
        return any(state is not None and self.matches_ticket(state, actor) for state in states)
