"""The grace period of a RESOLVED ticket: how long its requester has been quiet. Pure."""

from collections.abc import Iterable
from datetime import datetime

from engine.tickets.history import Entry, EntryKind
from engine.tickets.ticket import Ticket
from engine.vocabulary import Status


def quiet_since(ticket: Ticket, history: Iterable[Entry]) -> datetime | None:
    """Return when the grace period of a ticket began; None if it is not RESOLVED."""
    if ticket.status is not Status.RESOLVED:
        return None
    return restarted_at(history, ticket.requester)


def restarted_at(entries: Iterable[Entry], requester: str | None) -> datetime | None:
    """Return when some entries last let the grace period begin, or begin anew; None if none does.

    That is when the ticket is resolved, and when its requester has something to say after that.
    """
    return max((each.at for each in entries if restarts(each, requester)), default=None)


def restarts(entry: Entry, requester: str | None) -> bool:
    """Tell whether the grace period begins with an entry, or begins anew."""
    if entry.kind is EntryKind.STATUS:
        return entry.new_value == Status.RESOLVED
    return entry.kind is EntryKind.COMMENT and entry.actor == requester
