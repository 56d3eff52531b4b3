"""The grace period of a RESOLVED ticket: how long its requester has been quiet. Pure."""

from collections.abc import Iterable
from datetime import datetime

from engine.declaration.fields import NEVER
from engine.tickets.changes import Change
from engine.tickets.history import Entry, EntryKind, canonical_timestamp
from engine.tickets.system_actor import SystemReason, system_details
from engine.tickets.ticket import Ticket
from engine.vocabulary import Status
from engine.workflows.policy import Policy, roles_allowed


def auto_close_from(ticket: Ticket, history: Iterable[Entry]) -> datetime | None:
    """Return when the grace period of a ticket began; None if it is not RESOLVED."""
    if ticket.status is not Status.RESOLVED:
        return None
    return grace_period_start(history, ticket.requester)


def grace_period_of(policy: Policy, period: str) -> str | None:
    """Return the grace period of a workflow; None if the system closes none of its tickets.

    It closes none if the period is `never`, nor where nobody may: RESOLVED is the end there.
    """
    nobody_may = not roles_allowed(policy, Status.RESOLVED, Status.CLOSED)
    return None if period == NEVER or nobody_may else period


def auto_close_change(since: datetime, period: str) -> Change:
    """Return the change by which the system closes a ticket."""
    facts = {"auto_close_from": canonical_timestamp(since), "grace_period": period}
    details = system_details(SystemReason.GRACE_PERIOD_OVER, **facts)
    return Change(EntryKind.STATUS, Status.RESOLVED, Status.CLOSED, details)


def grace_period_start(entries: Iterable[Entry], requester: str | None) -> datetime | None:
    """Return when some entries last let the grace period begin, or begin anew; None if none does.

    That is when the ticket is resolved, and when its requester has something to say after that.
    """
    return max((each.at for each in entries if restarts(each, requester)), default=None)


def restarts(entry: Entry, requester: str | None) -> bool:
    """Tell whether the grace period begins with an entry, or begins anew."""
    if entry.kind is EntryKind.STATUS:
        return entry.new_value == Status.RESOLVED
    return entry.kind is EntryKind.COMMENT and entry.actor == requester
