"""What `system` can do to a ticket, as rules that judge recorded entries. Pure.

Each rule returns the flaw of an entry; None if it has none. Reports about services are not kept, so
a rule believes the entry when a service went down or recovered.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from typing import Final

from engine.audit.declared_history import DeclaredHistory, model_as
from engine.audit.past import Case
from engine.audit.user_rules import CLOSED_FLAW, retired_flaw
from engine.audit.versions import CLOCK_STEP_MAX
from engine.declaration.durations import parse_duration
from engine.declaration.fields import parse_delay
from engine.declaration.models import Service
from engine.outages.policy import outage_news
from engine.resources.resource import Kind
from engine.tickets.auto_close import auto_close_change, grace_period_start
from engine.tickets.changes import Change, breach_changes
from engine.tickets.history import EntryKind, canonical_timestamp
from engine.tickets.sla_timers import build_timers
from engine.tickets.system_actor import (
    API_KEY_NAME,
    SystemReason,
    api_key_of,
    outage_details,
    system_reason,
)
from engine.vocabulary import ServiceStatus, Status

_REPORTED: Final = {
    SystemReason.SERVICE_DOWN_AGAIN: ServiceStatus.DOWN,
    SystemReason.SERVICE_RECOVERED: ServiceStatus.OPERATIONAL,
}
"""The status of the service for each reason that has to do with an outage."""


def services_near(declared: DeclaredHistory, path: str, at: datetime) -> Iterator[Service]:
    """Yield the states of a service in which its outages opened tickets."""
    for resource in declared.active_near(Kind.SERVICE, path, at):
        service = model_as(Service, resource)
        if service.auto_ticket:
            yield service


def _transition_flaw(case: Case) -> str | None:
    reason, transition = system_reason(case.entry), _transition_of(case)
    is_live = case.past.ticket.status is not Status.CLOSED
    if transition == (Status.RESOLVED, Status.CLOSED) and reason is SystemReason.GRACE_PERIOD_OVER:
        message = _auto_close_flaw(case)
    elif transition == (Status.CLOSED, Status.OPEN) and reason is SystemReason.SERVICE_DOWN_AGAIN:
        message = _reopening_flaw(case)
    elif is_live and transition[1] is Status.CLOSED and reason is SystemReason.SERVICE_RECOVERED:
        message = _recovery_flaw(case)
    else:
        source, target = transition
        message = f"system cannot make the transition {source} -> {target} because of {reason}"
    return message or retired_flaw(case)


def _transition_of(case: Case) -> tuple[Status, Status]:
    return case.past.ticket.status, Status(str(case.entry.new_value))


def _auto_close_flaw(case: Case) -> str | None:
    ticket, entry = case.past.ticket, case.entry
    start = grace_period_start(case.past.entries, ticket.requester)
    periods = case.declared.grace_periods_near(ticket.workflow, case.period.policy, entry.at)
    for period in periods:
        if start and period and entry.details == auto_close_change(start, period).details:
            over_at = start + parse_duration(period)
            is_over = over_at < entry.at
            return None if is_over else f"the grace period ends at {canonical_timestamp(over_at)}"
    known = ", ".join(sorted(each or "none" for each in periods)) or "none"
    return f"its details are not those of the grace period at that time, which is {known}"


def _reopening_flaw(case: Case) -> str | None:
    closed, since = case.past.last_transition, _since(case)
    if closed is None or system_reason(closed) is not SystemReason.SERVICE_RECOVERED:
        return "system had not closed the ticket because of a recovery"
    if since is None:
        return _DETAILS_FLAW
    path, at = str(case.past.ticket.service), case.entry.at
    limits = [parse_delay(each.reopen_within) for each in services_near(case.declared, path, at)]
    if not any(limit and since - closed.at <= limit for limit in limits):
        return "the service was not DOWN again within the declared time for re-opening"
    return None


def _recovery_flaw(case: Case) -> str | None:
    if case.past.is_handled_by_user:
        return "a user had handled the ticket, so system could not close it"
    return _DETAILS_FLAW if _since(case) is None else None


def _comment_flaw(case: Case) -> str | None:
    ticket, entry, since = case.past.ticket, case.entry, _since(case)
    reason = system_reason(entry)
    if ticket.status is Status.CLOSED:
        return CLOSED_FLAW
    if not case.past.is_handled_by_user:
        return "no user had handled the ticket, so system could not comment on it"
    if since is None or reason is None:
        return _DETAILS_FLAW
    path, status = str(ticket.service), _REPORTED[reason]
    if not (entry.new_value or "").startswith(outage_news(path, status, since)):
        return "its text is not that of an outage"
    if status is ServiceStatus.DOWN and not any(services_near(case.declared, path, entry.at)):
        return f"outages of {path} did not open tickets at that time"
    return None


def _breach_flaw(case: Case) -> str | None:
    entry = case.entry
    change = Change(entry.kind, entry.old_value, entry.new_value, entry.details)
    timers = build_timers(case.past.entries)
    if timers is None:
        return "the ticket has no SLA targets"
    if change not in breach_changes(timers, entry.at):
        return f"the SLA target of the {entry.new_value} was not missed then, or is recorded before"
    return None


SYSTEM_RULES: Final[Mapping[EntryKind, Callable[[Case], str | None]]] = {
    EntryKind.STATUS: _transition_flaw,
    EntryKind.COMMENT: _comment_flaw,
    EntryKind.SLA_BREACH: _breach_flaw,
}
"""The rule of each kind of entry that `system` can make, except `created`."""

_DETAILS_FLAW: Final = "its details are not those of an outage of the service of the ticket"


def _since(case: Case) -> datetime | None:
    """Return since when the service has its status; None if the details are not of an outage."""
    service, entry = case.past.ticket.service, case.entry
    reason = system_reason(entry)
    if service is None or reason not in _REPORTED:
        return None
    key = api_key_of(entry)
    if not is_api_key_name(key):
        return None
    since = datetime.fromisoformat(json.loads(entry.details or "{}")["since"])
    is_possible = since <= entry.at + CLOCK_STEP_MAX
    is_exact = entry.details == outage_details(reason, service, since, key)
    return since if is_possible and is_exact else None


def is_api_key_name(key: object) -> bool:
    """Return whether a key in details is the name of an API key, or absent.

    The API keys of a server are not recorded, so a rule believes the name.
    """
    return key is None or (isinstance(key, str) and API_KEY_NAME.fullmatch(key) is not None)
