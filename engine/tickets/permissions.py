"""Who may do what with a ticket, transitions aside (design section 6). Pure; raises refusals."""

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

from engine.errors import Forbidden, TicketClosed
from engine.tickets.actor import Actor
from engine.tickets.history import Entry, EntryKind
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer
from engine.vocabulary import Status


class Relation(StrEnum):
    """How an actor is involved in a ticket, where it matters who reads, edits or assigns."""

    REQUESTER = "requester"
    ASSIGNEE = "assignee"
    GROUP_MEMBER = "group_member"
    ADMIN = "admin"


EDITORS: Final = frozenset(Relation)
DISPATCHERS: Final = frozenset({Relation.ASSIGNEE, Relation.GROUP_MEMBER, Relation.ADMIN})
"""The assignee's side: who hand a ticket over, and take notes among themselves."""


def relations(ticket: Ticket, actor: Actor) -> frozenset[Relation]:
    """Return every way in which the actor stands to the ticket."""
    held = {
        Relation.REQUESTER: ticket.requester == actor.id,
        Relation.ASSIGNEE: ticket.assignee == actor.id,
        Relation.GROUP_MEMBER: ticket.assignee_group in actor.groups,
        Relation.ADMIN: actor.is_admin,
    }
    return frozenset(relation for relation, holds in held.items() if holds)


def assigners(ticket: Ticket) -> frozenset[Relation]:
    """Return who may assign: without a group to dispatch the ticket, its requester may too."""
    return DISPATCHERS if ticket.assignee_group else DISPATCHERS | {Relation.REQUESTER}


def authorize_assign(ticket: Ticket, actor: Actor) -> frozenset[Relation]:
    """Return what allows the actor to hand this ticket to somebody.

    Raises:
        TicketClosed: it is CLOSED.
        Forbidden: the actor is none of those who may.

    """
    check_is_open(ticket)
    return allowed_as("assign", ticket, actor, assigners(ticket))


def authorize_edit(ticket: Ticket, actor: Actor) -> frozenset[Relation]:
    """Return what allows the actor to change title, description or priority.

    Raises:
        TicketClosed: it is CLOSED.
        Forbidden: the actor is none of those who may.

    """
    check_is_open(ticket)
    return allowed_as("edit", ticket, actor, EDITORS)


def authorize_note(ticket: Ticket, actor: Actor) -> frozenset[Relation]:
    """Return what allows the actor to take a note for the assignee's side, CLOSED or not.

    Raises:
        Forbidden: the actor is not on that side.

    """
    return allowed_as("take notes on", ticket, actor, DISPATCHERS)


def can_read(ticket: Ticket, viewer: Viewer) -> bool:
    """Return whether the viewer may read a ticket (in SQL: `engine.storage.tickets.visibility`)."""
    return viewer.sees_all or bool(relations(ticket, viewer.actor))


def can_read_entry(entry: Entry, ticket: Ticket, actor: Actor) -> bool:
    """Tell whether the actor may see an entry of this ticket: notes are for those who take them."""
    return entry.kind is not EntryKind.NOTE or can_read_notes(ticket, actor)


def can_read_notes(ticket: Ticket, actor: Actor) -> bool:
    """Tell whether the actor may see the notes on this ticket."""
    return bool(relations(ticket, actor) & DISPATCHERS)


def check_is_open(ticket: Ticket) -> None:
    """Refuse a CLOSED ticket.

    Raises:
        TicketClosed: it is CLOSED.

    """
    if ticket.status is Status.CLOSED:
        raise TicketClosed(reason="ticket_closed", ticket=ticket.id)


def allowed_as(
    verb: str, ticket: Ticket, actor: Actor, wanted: frozenset[Relation]
) -> frozenset[Relation]:
    """Return in which of the wanted ways the actor stands to the ticket; at least one.

    Raises:
        Forbidden: none; with `reason` role_required, who could and what the actor holds.

    """
    held = relations(ticket, actor)
    if held & wanted:
        return held & wanted
    raise Forbidden(
        f"To {verb} {ticket.id} takes its {listed(wanted)}; the actor is {listed(held) or 'none'}.",
        reason="role_required",
        ticket=ticket.id,
        allowed_roles=sorted(wanted),
        holds=sorted(held),
    )


def listed(held: Iterable[Relation]) -> str:
    """Return relations for people, in the order of their declaration."""
    present = set(held)
    return " or ".join(each.replace("_", " ") for each in Relation if each in present)
