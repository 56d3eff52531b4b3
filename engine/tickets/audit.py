"""Is a ticket what its history says, and does every entry stand on the one before it? Pure."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from engine.tickets.history import GENESIS, Entry, EntryKind
from engine.tickets.ticket import Ticket, apply_entry, initial_ticket


@dataclass(frozen=True, slots=True)
class HistoryFlaw:
    """The first thing about a ticket's history that does not fit.

    Attributes:
        seq: the entry at fault; one past the last for what is wrong with the ticket itself.

    """

    ticket: str
    seq: int
    message: str

    def __str__(self) -> str:
        return f"{self.ticket} entry {self.seq}: {self.message}"


FORGED: Final = "its digest does not follow from its content and the digest before it"
MEANINGLESS: Final = "what it records is nothing that can happen to a ticket"
SHORT: Final = "the history ends here, but the ticket is at version {version}"
LONG: Final = "the history goes on after version {version}, where the ticket is"
UNFIT_HEAD: Final = "the ticket's head is not the digest of its last entry"
UNFIT_TICKET: Final = "the ticket says {field} {found!r}, its history {told!r}"


@dataclass(frozen=True, slots=True)
class StoredEntry:
    """An entry with the digest that was stored beside it."""

    entry: Entry
    digest: bytes


def find_flaw(ticket: Ticket, head: bytes, history: Iterable[StoredEntry]) -> HistoryFlaw | None:
    """Return the first entry of a ticket's history that does not fit, or None if all of it does."""
    told: Ticket | None = None
    digest, seq = GENESIS, 0
    for sealed in history:
        seq += 1
        if flaw := unfit_entry(ticket.id, seq, digest, sealed):
            return flaw
        try:
            told = apply_entry(told, sealed.entry) if told else initial_ticket(sealed.entry)
        except (KeyError, TypeError, ValueError, RecursionError):
            return HistoryFlaw(ticket.id, seq, MEANINGLESS)
        digest = sealed.digest
    if seq != ticket.version or told is None:
        message = SHORT if seq < ticket.version else LONG
        return HistoryFlaw(
            ticket.id, min(seq, ticket.version) + 1, message.format(version=ticket.version)
        )
    return unfit_ticket(ticket, told, head, digest)


def unfit_entry(ticket: str, seq: int, before: bytes, sealed: StoredEntry) -> HistoryFlaw | None:
    """Return what is wrong with an entry that should be number `seq` on top of `before`."""
    entry = sealed.entry
    if entry.seq != seq:
        return HistoryFlaw(ticket, seq, f"it is missing; entry {entry.seq} comes next")
    if (entry.kind is EntryKind.CREATED) != (seq == 1):
        return HistoryFlaw(
            ticket, seq, f"a history begins with created, and only it does: {entry.kind}"
        )
    if entry.digest(before) != sealed.digest:
        return HistoryFlaw(ticket, seq, FORGED)
    return None


def unfit_ticket(ticket: Ticket, told: Ticket, head: bytes, digest: bytes) -> HistoryFlaw | None:
    """Return in what a ticket differs from what its whole history tells."""
    past_the_end = ticket.version + 1
    if head != digest:
        return HistoryFlaw(ticket.id, past_the_end, UNFIT_HEAD)
    for field in Ticket._fields:
        found, wanted = getattr(ticket, field), getattr(told, field)
        if found != wanted:
            message = UNFIT_TICKET.format(field=field, found=str(found), told=str(wanted))
            return HistoryFlaw(ticket.id, past_the_end, message)
    return None
