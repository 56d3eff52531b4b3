"""Checks that a history is intact, and that the ticket follows from it. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass

from engine.tickets.history import GENESIS, Entry, EntryKind
from engine.tickets.ticket import Ticket, apply_entry, initial_ticket


@dataclass(frozen=True, slots=True)
class HistoryFlaw:
    """The first inconsistency in the history of a ticket.

    Attributes:
        seq: the number of the entry; one past the last for an inconsistency of the ticket itself.

    """

    ticket: str
    seq: int
    message: str

    def __str__(self) -> str:
        return f"{self.ticket} entry {self.seq}: {self.message}"


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with the digest that is stored with it."""

    entry: Entry
    digest: bytes


def find_flaw(ticket: Ticket, head: bytes, history: Iterable[StoredEntry]) -> HistoryFlaw | None:
    """Return the first flaw in the history of a ticket; None if it is intact.

    Args:
        ticket: the stored ticket.
        head: the stored digest of its last entry.
        history: all stored entries, in order.

    """
    rebuilt: Ticket | None = None
    digest, seq = GENESIS, 0
    for stored in history:
        seq += 1
        if message := _entry_flaw(stored, seq, digest):
            return HistoryFlaw(ticket.id, seq, message)
        try:
            rebuilt = (
                apply_entry(rebuilt, stored.entry) if rebuilt else initial_ticket(stored.entry)
            )
        except (KeyError, TypeError, ValueError, RecursionError):
            return HistoryFlaw(ticket.id, seq, "its content is not a valid change of a ticket")
        digest = stored.digest
    if seq < ticket.version or rebuilt is None:
        message = f"the history ends here, but the ticket has version {ticket.version}"
        return HistoryFlaw(ticket.id, seq + 1, message)
    if seq > ticket.version:
        message = f"the history continues after version {ticket.version} of the ticket"
        return HistoryFlaw(ticket.id, ticket.version + 1, message)
    if message := _ticket_flaw(ticket, rebuilt, head, digest):
        return HistoryFlaw(ticket.id, seq + 1, message)
    return None


def _entry_flaw(stored: StoredEntry, seq: int, before: bytes) -> str | None:
    """Return the flaw of the entry at position `seq`, given the previous digest."""
    entry = stored.entry
    if entry.seq != seq:
        return f"missing; the next entry is {entry.seq}"
    if (entry.kind is EntryKind.CREATED) != (seq == 1):
        return f"the first entry, and no other, must be of kind created; this one is {entry.kind}"
    if entry.digest(before) != stored.digest:
        return "its digest does not match its content and the previous digest"
    return None


def _ticket_flaw(ticket: Ticket, rebuilt: Ticket, head: bytes, digest: bytes) -> str | None:
    """Return the first difference between a ticket and its rebuilt history."""
    if head != digest:
        return "the head digest of the ticket is not the digest of its last entry"
    for field in Ticket._fields:
        stored, expected = getattr(ticket, field), getattr(rebuilt, field)
        if stored != expected:
            return f"{field} of the ticket is '{stored}', but '{expected}' in its history"
    return None
