"""What commands change in a ticket: check the permission, then build the entries. Pure."""

import json
from collections.abc import Container, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from engine.declaration.models import CatalogItem
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    AssignToMe,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    TransferTicket,
    UpdateTicket,
)
from engine.tickets.history import Entry, EntryKind, canonical_timestamp
from engine.tickets.permissions import (
    Relation,
    authorize_assign,
    authorize_edit,
    authorize_note,
    authorize_requester,
    authorize_targets,
    authorize_transfer,
)
from engine.tickets.sla_targets import TARGETS_KEY, SlaTerms, TicketTargets, targets_for
from engine.tickets.sla_timers import SlaTimers
from engine.tickets.ticket import Opening, Ticket, initial_ticket
from engine.vocabulary import Status


@dataclass(frozen=True, slots=True)
class Change:
    """A new value of one field of a ticket; `details` as in `Entry`."""

    kind: EntryKind
    old: str | None
    new: str | None
    details: str | None = None


def assignment_changes(ticket: Ticket, actor: Actor, command: AssignTicket) -> tuple[Change, ...]:
    """Return the change of the assignee; nothing if the assignee stays the same.

    Raises:
        TicketClosed, Forbidden: see `authorize_assign`.

    """
    relations = authorize_assign(ticket, actor)
    return _changed((EntryKind.ASSIGNEE, ticket.assignee, command.assignee), relations=relations)


def self_assignment_changes(
    ticket: Ticket, actor: Actor, _command: AssignToMe
) -> tuple[Change, ...]:
    """Return the change that assigns a ticket to the actor, as `assignment_changes` does."""
    relations = authorize_assign(ticket, actor)
    return _changed((EntryKind.ASSIGNEE, ticket.assignee, actor.id), relations=relations)


def transfer_changes(ticket: Ticket, actor: Actor, command: TransferTicket) -> tuple[Change, ...]:
    """Return the change of the assignee group; nothing if the group stays the same.

    Raises:
        TicketClosed, Forbidden: see `authorize_transfer`.

    """
    relations = authorize_transfer(ticket, actor)
    group = (EntryKind.ASSIGNEE_GROUP, ticket.assignee_group, command.assignee_group)
    return _changed(group, relations=relations)


def unassignment(
    ticket: Ticket, transfer: Change, groups_of_assignee: Container[str]
) -> tuple[Change, ...]:
    """Return the change that removes an assignee who is not a member of the new group.

    The transfer includes it, so it is allowed by the same relations. Without a new group, the
    assignee stays.
    """
    if ticket.assignee is None or transfer.new is None or transfer.new in groups_of_assignee:
        return ()
    return (Change(EntryKind.ASSIGNEE, ticket.assignee, None, transfer.details),)


def edit_changes(ticket: Ticket, actor: Actor, command: UpdateTicket) -> tuple[Change, ...]:
    """Return a change for each field that gets a new value.

    Raises:
        TicketClosed, Forbidden: see `authorize_edit`.

    """
    relations = authorize_edit(ticket, actor)
    fields = (
        (EntryKind.TITLE, ticket.title, command.title),
        (EntryKind.DESCRIPTION, ticket.description, command.description),
        (EntryKind.PRIORITY, ticket.priority, command.priority),
    )
    return _changed(*(each for each in fields if each[2] is not None), relations=relations)


def comment_changes(ticket: Ticket, actor: Actor, command: CommentTicket) -> tuple[Change, ...]:
    """Return the change that adds a comment or an internal note, even to a CLOSED ticket.

    Every actor who can read the ticket can comment on it.

    Raises:
        Forbidden: see `authorize_note`.

    """
    if not command.internal:
        return (Change(EntryKind.COMMENT, None, command.text),)
    details = permission_details(authorize_note(ticket, actor))
    return (Change(EntryKind.NOTE, None, command.text, details),)


def _changed(
    *fields: tuple[EntryKind, str | None, str | None], relations: frozenset[Relation]
) -> tuple[Change, ...]:
    details = permission_details(relations)
    return tuple(Change(kind, old, new, details) for kind, old, new in fields if old != new)


def permission_details(relations: frozenset[Relation]) -> str:
    """Return the details of an entry that these relations allowed."""
    return json.dumps({"allowed_as": sorted(relations)})


def with_targets(change: Change, targets: TicketTargets) -> Change:
    """Return a change of priority that also sets new SLA targets."""
    details = json.loads(change.details or "{}") | {TARGETS_KEY: targets.data}
    return replace(change, details=json.dumps(details, ensure_ascii=False))


def breach_changes(timers: SlaTimers, now: datetime) -> tuple[Change, ...]:
    """Return the changes that record the breaches up to `now`."""
    return tuple(
        Change(EntryKind.SLA_BREACH, None, timer, json.dumps({"due_at": canonical_timestamp(due)}))
        for timer, due in timers.unrecorded_breaches(now).items()
    )


def build_entries(
    ticket: Ticket, changes: Sequence[Change], actor: Actor, at: datetime, revision: int
) -> tuple[Entry, ...]:
    """Return changes as the next entries of a ticket's history."""
    bits = actor.roles_on(ticket.requester, ticket.assignee)
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


_NO_GROUPS: Final = frozenset[str]()


def opening_from_command(
    command: CreateTicket,
    actor: Actor,
    terms: SlaTerms,
    on_behalf: AbstractSet[str] = _NO_GROUPS,
) -> Opening:
    """Return the initial values of a ticket that is created without a catalog item.

    Args:
        command: the command.
        actor: who opens the ticket.
        terms: of the SLA targets of the priority.
        on_behalf: the groups of `ticketing.onBehalf`.

    Raises:
        Forbidden: see `authorize_requester` and `authorize_targets`.

    """
    requester = command.requester or actor.id
    return Opening(
        title=command.title,
        description=command.description,
        priority=command.priority,
        workflow=command.workflow,
        requester=requester,
        on_behalf_group=authorize_requester(requester, actor, on_behalf),
        assignee=command.assignee,
        assignee_group=command.assignee_group,
        sla=requested_targets(command, actor, terms),
    )


def requested_targets(command: CreateTicket, actor: Actor, terms: SlaTerms) -> TicketTargets | None:
    """Return the SLA targets that a command requests, if any.

    Raises:
        Forbidden: see `authorize_targets`.

    """
    if command.sla is None:
        return None
    if command.sla.targets is None:
        return targets_for(command.priority, terms)
    authorize_targets(command.assignee_group, command.requester or actor.id, actor)
    targets = command.sla.targets
    return TicketTargets(targets.response, targets.resolution, origin=actor.id)


def opening_from_item(
    command: CreateTicketFromCatalog,
    item: CatalogItem,
    actor: Actor,
    terms: SlaTerms,
    on_behalf: AbstractSet[str] = _NO_GROUPS,
) -> Opening:
    """Return the initial values of a ticket that is created from a catalog item.

    Raises:
        Forbidden: see `authorize_requester`.

    """
    requester = command.requester or actor.id
    return Opening(
        title=item.display_name if command.title is None else command.title,
        description=command.description or "",
        priority=item.defaults.priority,
        workflow=item.workflow,
        requester=requester,
        on_behalf_group=authorize_requester(requester, actor, on_behalf),
        assignee_group=item.defaults.assignee_group,
        item=item.name,
        sla=targets_for(item, terms),
    )


def opening_entry(
    ticket_id: str, opening: Opening, actor: Actor, at: datetime, revision: int
) -> Entry:
    """Return the first entry of a new ticket.

    An actor who opens a ticket for its requester can assign it as the requester can.

    Raises:
        Forbidden: the actor cannot assign the ticket, but it has an assignee.

    """
    entry = Entry(
        ticket=ticket_id,
        seq=1,
        at=at,
        actor=actor.id,
        kind=EntryKind.CREATED,
        old_value=None,
        new_value=Status.OPEN,
        actor_bits=int(actor.roles_on(opening.requester, None)),
        workflow_revision=revision,
        details=opening.details,
    )
    if opening.assignee is not None:
        unassigned = initial_ticket(entry)._replace(requester=actor.id, assignee=None)
        authorize_assign(unassigned, actor)
    return entry
