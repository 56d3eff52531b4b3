"""Short stories: a desk on which one thing after the other happens, to the last of its tickets."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from engine.audit.history import find_flaw
from engine.declaration.models import CatalogItem
from engine.resources.resource import Resource
from engine.tickets.actor import Actor
from engine.tickets.auto_close import auto_close_change
from engine.tickets.changes import Change, opening_entry, opening_from_item
from engine.tickets.commands import CreateTicketFromCatalog
from engine.tickets.history import EntryKind
from engine.tickets.sla_targets import SlaTerms
from engine.tickets.system_actor import SYSTEM_ACTOR, SystemReason, outage_details
from engine.tickets.ticket import rebuild_ticket
from engine.vocabulary import ServiceStatus, Status
from tests.support.personas import ANNA, MARTON
from tests.support.ticket_desk import PATH, TRANSITIONS, Desk, first_desk, workflow
from tests.support.ticket_examples import with_digests

OPEN, IN_PROGRESS, RESOLVED, CLOSED = Status
SECOND: Final = timedelta(seconds=1)
AS_MEMBER: Final = '{"allowed_as": ["group_member"]}'

Case = tuple[Callable[[], Desk], str]
"""Returns a desk whose last ticket has a forged last entry; what the audit reports about it."""


def assert_reported(build: Callable[[], Desk], message: str) -> None:
    desk = build()
    history = desk.tickets[-1]
    chain = with_digests(history)
    try:
        ticket = rebuild_ticket(history)
    except ValueError:
        ticket = rebuild_ticket(history[:-1])
    flaw = find_flaw(desk.declared, ticket, chain[-1].digest, chain)
    assert str(flaw) == f"{ticket.id} entry {len(history)}: {message}"


def ticket_in(status: Status, desk: Desk | None = None) -> Desk:
    """Return a desk with a ticket of Anna in a status; Marton is its assignee."""
    desk = desk or first_desk()
    append(desk, MARTON, Change(EntryKind.ASSIGNEE, None, MARTON.id, AS_MEMBER))
    steps = ((MARTON, OPEN, IN_PROGRESS), (MARTON, IN_PROGRESS, RESOLVED), (ANNA, RESOLVED, CLOSED))
    for actor, source, target in steps[: status.ordinal]:
        append(desk, actor, move(source, target))
    return desk


def append(desk: Desk, actor: Actor, change: Change, **forged: Any) -> Desk:  # noqa: ANN401  # any field
    """Append an entry to the last history, a second later, with other values of some fields."""
    history = desk.tickets[-1]
    desk.now += SECOND
    desk.append(history, actor, [change])
    history[-1] = replace(history[-1], **forged)
    return desk


def move(source: Status, target: Status, details: str | None = None) -> Change:
    return Change(EntryKind.STATUS, source, target, details)


def note(text: str | None, details: str | None) -> Change:
    return Change(EntryKind.NOTE, None, text, details)


def comment(text: str | None, details: str | None = None) -> Change:
    return Change(EntryKind.COMMENT, None, text, details)


def waiting(desk: Desk, **time: float) -> Desk:
    desk.now += timedelta(**time)
    return desk


def after(desk: Desk, resource: Resource, **time: float) -> Desk:
    """Return the desk some time after a reconciliation."""
    desk.put(resource)
    return waiting(desk, **(time or {"minutes": 1}))


def retired(desk: Desk, name: str = "flow") -> Resource:
    return replace(desk.resources[workflow(name, TRANSITIONS[0]).key], retired=True)


def outage(*reports: ServiceStatus, handled: bool = False) -> Desk:
    """Return a desk after reports about the service, each a minute later; the ticket is the last.

    Args:
        reports: the statuses.
        handled: a user comments on the ticket after the first report.

    """
    desk = first_desk()
    for number, status in enumerate(reports):
        waiting(desk, minutes=1)
        desk.status, desk.since = status, desk.clock
        desk.handle_service()
        if handled and not number:
            append(desk, MARTON, comment("Looking"))
    return desk


def of_outage(
    desk: Desk, reason: SystemReason, path: str = PATH, key: str | None = None, **later: float
) -> str:
    return outage_details(reason, path, desk.clock + timedelta(**later), key)


def auto_closed(desk: Desk, *, seconds: float, period: str = "72h") -> Desk:
    """Let `system` close the RESOLVED ticket so many seconds after its last entry."""
    resolved_at = desk.tickets[-1][-1].at
    waiting(desk, seconds=seconds - 1)
    return append(desk, SYSTEM_ACTOR, auto_close_change(resolved_at, period))


def opened_from(
    declared: Resource,
    desk: Desk,
    number: int = 1,
    actor: Actor = ANNA,
    **forged: Any,  # noqa: ANN401  # any field
) -> Desk:
    """Let a user open a ticket as if from a declaration of a catalog item."""
    command, model = CreateTicketFromCatalog.parse(item="vpn"), declared.model
    assert isinstance(model, CatalogItem)
    opening = replace(opening_from_item(command, model, actor, SlaTerms()), **forged)
    desk.tickets.append([opening_entry("tk_000001", opening, actor, desk.clock, number)])
    return desk


def declared_later() -> Desk:
    desk = append(ticket_in(OPEN), ANNA, comment("Hello"), workflow_revision=3)
    desk.now += timedelta(minutes=1)
    desk.put(workflow("flow", TRANSITIONS[1]))
    return desk


def switched_off() -> Desk:
    desk = ticket_in(OPEN)
    desk.switches.append((desk.clock, False))
    return waiting(desk, minutes=1)
