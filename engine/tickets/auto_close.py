"""The grace period after which `system` closes a RESOLVED ticket. Pure."""

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


def grace_period_start(entries: Iterable[Entry], requester: str | None) -> datetime | None:
    """Return when the latest of these entries started the grace period; None if none did.

    The grace period starts when the ticket is resolved, and again with each comment by the
    requester.
    """
    starts = (
        entry.at
        for entry in entries
        if (entry.kind is EntryKind.STATUS and entry.new_value == Status.RESOLVED)
        or (entry.kind is EntryKind.COMMENT and entry.actor == requester)
    )
    return max(starts, default=None)


def grace_period_of(policy: Policy, period: str) -> str | None:
    """Return the grace period of a workflow; None if `system` closes none of its tickets.

    That is so if the period is `never`, or if no user can close a RESOLVED ticket.
    """
    is_closable = roles_allowed(policy, Status.RESOLVED, Status.CLOSED)
    return period if is_closable and period != NEVER else None


def auto_close_change(since: datetime, period: str) -> Change:
    """Return the change that closes a ticket whose grace period is over."""
    facts = {"auto_close_from": canonical_timestamp(since), "grace_period": period}
    details = system_details(SystemReason.GRACE_PERIOD_OVER, **facts)
    return Change(EntryKind.STATUS, Status.RESOLVED, Status.CLOSED, details)
