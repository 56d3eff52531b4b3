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
from engine.tickets.history import Entry, EntryKind, canonical_moment
from engine.tickets.permissions import Relation, may_assign, may_edit, may_note
from engine.tickets.sla_targets import PROMISE, Promise, Terms, promise_for
from engine.tickets.sla_timers import Sla
from engine.tickets.ticket import Opening, Ticket, opened
from engine.vocabulary import Status


@dataclass(frozen=True, slots=True)
class Change:
    """One field of a ticket takes a new value; `details` as in `Entry`."""

    kind: EntryKind
    old: str | None
    new: str | None
    details: str | None = None


def assigning(ticket: Ticket, actor: Actor, form: AssignTicket) -> tuple[Change, ...]:
    """Return the change that hands a ticket over; none if it is theirs already.

    Raises:
        TicketClosed, Forbidden: see `may_assign`.

    """
    relations = may_assign(ticket, actor)
    return differing((EntryKind.ASSIGNEE, ticket.assignee, form.assignee), relations=relations)


def editing(ticket: Ticket, actor: Actor, form: UpdateTicket) -> tuple[Change, ...]:
    """Return a change for each field that takes another value.

    Raises:
        TicketClosed, Forbidden: see `may_edit`.

    """
    relations = may_edit(ticket, actor)
    fields = (
        (EntryKind.TITLE, ticket.title, form.title),
        (EntryKind.DESCRIPTION, ticket.description, form.description),
        (EntryKind.PRIORITY, ticket.priority, form.priority),
    )
    return differing(*(each for each in fields if each[2] is not None), relations=relations)


def commenting(ticket: Ticket, actor: Actor, form: CommentTicket) -> tuple[Change, ...]:
    """Return the change that adds a comment, or a note if it is internal; CLOSED or not.

    Everyone who may read may comment.

    Raises:
        Forbidden: see `may_note`.

    """
    if not form.internal:
        return (Change(EntryKind.COMMENT, None, form.text),)
    allowed = details_of(may_note(ticket, actor))
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


def promising(change: Change, promise: Promise) -> Change:
    """Return a change that promises anew."""
    details = json.loads(change.details or "{}") | {PROMISE: promise.data}
    return replace(change, details=json.dumps(details, ensure_ascii=False))


def breaches(sla: Sla, now: datetime) -> tuple[Change, ...]:
    """Return the changes that note which timers ran past their due time by `now`."""
    return tuple(
        Change(EntryKind.SLA_BREACH, None, timer, json.dumps({"due_at": canonical_moment(due)}))
        for timer, due in sla.unnoted(now).items()
    )


def recorded(
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


def by_hand(form: CreateTicket, actor: Actor, terms: Terms) -> Opening:
    """Return what a ticket from an empty form starts with: what the form says, and nothing else."""
    return Opening(
        title=form.title,
        description=form.description,
        priority=form.priority,
        workflow=form.workflow,
        requester=actor.id,
        assignee=form.assignee,
        assignee_group=form.assignee_group,
        promise=agreed(form, actor, terms),
    )


def agreed(form: CreateTicket, actor: Actor, terms: Terms) -> Promise | None:
    """Return what a form asks to be promised; None if it asks for nothing."""
    if form.sla is None:
        return None
    if form.sla.targets is None:
        return promise_for(form.priority, terms)
    targets = form.sla.targets
    return Promise(targets.response, targets.resolution, origin=actor.id)


def from_item(
    form: CreateTicketFromCatalog, item: CatalogItem, actor: Actor, terms: Terms
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
        promise=promise_for(item, terms),
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
        may_assign(opened(entry)._replace(assignee=None), actor)
    return entry
