"""What a request does to a ticket: rules first, then the entries that record it. Pure."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from engine.declaration.models import CatalogItem
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    UpdateTicket,
)
from engine.tickets.history import Entry, EntryKind, canonical_timestamp
from engine.tickets.permissions import Relation, authorize_assign, authorize_edit, authorize_note
from engine.tickets.sla_targets import TARGETS_KEY, SlaTerms, TicketTargets, targets_for
from engine.tickets.sla_timers import SlaTimers
from engine.tickets.ticket import Opening, Ticket, initial_ticket
from engine.vocabulary import Status


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a ticket takes a new value; `details` as in `Entry`."""

    kind: EntryKind
    old: str | None
    new: str | None
    details: str | None = None


def assignment_changes(ticket: Ticket, actor: Actor, form: AssignTicket) -> tuple[Change, ...]:
    """Return the change that hands a ticket over; none if it is theirs already.

    Raises:
        TicketClosed, Forbidden: see `authorize_assign`.

    """
    relations = authorize_assign(ticket, actor)
    return differing((EntryKind.ASSIGNEE, ticket.assignee, form.assignee), relations=relations)


def edit_changes(ticket: Ticket, actor: Actor, form: UpdateTicket) -> tuple[Change, ...]:
    """Return a change for each field that takes another value.

    Raises:
        TicketClosed, Forbidden: see `authorize_edit`.

    """
    relations = authorize_edit(ticket, actor)
    fields = (
        (EntryKind.TITLE, ticket.title, form.title),
        (EntryKind.DESCRIPTION, ticket.description, form.description),
        (EntryKind.PRIORITY, ticket.priority, form.priority),
    )
    return differing(*(each for each in fields if each[2] is not None), relations=relations)


def comment_changes(ticket: Ticket, actor: Actor, form: CommentTicket) -> tuple[Change, ...]:
    """Return the change that adds a comment, or a note if it is internal; CLOSED or not.

    Everyone who may read may comment.

    Raises:
        Forbidden: see `authorize_note`.

    """
    if not form.internal:
        return (Change(EntryKind.COMMENT, None, form.text),)
    allowed = details_of(authorize_note(ticket, actor))
    return (Change(EntryKind.NOTE, None, form.text, allowed),)


def differing(
    *fields: tuple[EntryKind, str | None, str | None], relations: frozenset[Relation]
) -> tuple[Change, ...]:
    """Return the fields whose value changes, each with what allowed it."""
    details = details_of(relations)
    return tuple(Change(kind, old, new, details) for kind, old, new in fields if old != new)


def details_of(relations: frozenset[Relation]) -> str:
    """Return what allowed a change as the details of its entry."""
    return json.dumps({"allowed_as": sorted(relations)})


def with_targets(change: Change, promise: TicketTargets) -> Change:
    """Return a change that promises anew."""
    details = json.loads(change.details or "{}") | {TARGETS_KEY: promise.data}
    return replace(change, details=json.dumps(details, ensure_ascii=False))


def breach_changes(sla: SlaTimers, now: datetime) -> tuple[Change, ...]:
    """Return the changes that note which timers ran past their due time by `now`."""
    return tuple(
        Change(EntryKind.SLA_BREACH, None, timer, json.dumps({"due_at": canonical_timestamp(due)}))
        for timer, due in sla.unrecorded_breaches(now).items()
    )


def build_entries(
    ticket: Ticket, changes: Sequence[Change], actor: Actor, at: datetime, revision: int
) -> tuple[Entry, ...]:
    """Return changes as the next entries of a ticket's history."""
    bits = actor.roles_towards(ticket.requester, ticket.assignee)
    return tuple(
        Entry(
            ticket=ticket.id,
            seq=seq,
            at=max(at, ticket.updated_at),
            actor=actor.id,
            kind=change.kind,
            old_value=change.old,
            new_value=change.new,
            actor_bits=int(bits),
            workflow_revision=revision,
            details=change.details,
        )
        for seq, change in enumerate(changes, ticket.version + 1)
    )


def opening_from_form(form: CreateTicket, actor: Actor, terms: SlaTerms) -> Opening:
    """Return what a ticket from an empty form starts with: what the form says, and nothing else."""
    return Opening(
        title=form.title,
        description=form.description,
        priority=form.priority,
        workflow=form.workflow,
        requester=actor.id,
        assignee=form.assignee,
        assignee_group=form.assignee_group,
        sla=requested_targets(form, actor, terms),
    )


def requested_targets(form: CreateTicket, actor: Actor, terms: SlaTerms) -> TicketTargets | None:
    """Return what a form asks to be promised; None if it asks for nothing."""
    if form.sla is None:
        return None
    if form.sla.targets is None:
        return targets_for(form.priority, terms)
    targets = form.sla.targets
    return TicketTargets(targets.response, targets.resolution, origin=actor.id)


def opening_from_item(
    form: CreateTicketFromCatalog, item: CatalogItem, actor: Actor, terms: SlaTerms
) -> Opening:
    """Return what a ticket from a catalog item starts with: only its texts are the form's."""
    return Opening(
        title=item.display_name if form.title is None else form.title,
        description=form.description or "",
        priority=item.defaults.priority,
        workflow=item.workflow,
        requester=actor.id,
        assignee=None,
        assignee_group=item.defaults.assignee_group,
        item=item.name,
        sla=targets_for(item, terms),
    )


def opening_entry(
    ticket_id: str, opening: Opening, actor: Actor, at: datetime, revision: int
) -> Entry:
    """Return the first entry of a new ticket.

    Raises:
        Forbidden: it names an assignee whom the actor may not assign.

    """
    entry = Entry(
        ticket=ticket_id,
        seq=1,
        at=at,
        actor=actor.id,
        kind=EntryKind.CREATED,
        old_value=None,
        new_value=Status.OPEN,
        actor_bits=int(actor.roles_towards(opening.requester, None)),
        workflow_revision=revision,
        details=opening.details,
    )
    if opening.assignee is not None:
        authorize_assign(initial_ticket(entry)._replace(assignee=None), actor)
    return entry
