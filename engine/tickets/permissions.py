"""Who can open, read, change and annotate a ticket. Transitions: `engine.workflows`. Pure."""

from collections.abc import Set as AbstractSet
from enum import StrEnum
from typing import Final

from engine.errors import Forbidden, TicketClosed
from engine.tickets.actor import Actor
from engine.tickets.history import Entry, EntryKind
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer
from engine.vocabulary import Status


class Relation(StrEnum):
    """Why an actor can edit, assign, transfer or annotate a ticket."""

    REQUESTER = "requester"
    ASSIGNEE = "assignee"
    GROUP_MEMBER = "group_member"
    ADMIN = "admin"


_NAMES: Final = {
    Relation.REQUESTER: "the requester",
    Relation.ASSIGNEE: "the assignee",
    Relation.GROUP_MEMBER: "a member of the assignee group",
    Relation.ADMIN: "an admin",
}
_STAFF: Final = frozenset({Relation.ASSIGNEE, Relation.GROUP_MEMBER, Relation.ADMIN})
"""Those who assign and transfer the ticket, and who read and write its internal notes."""
EDITORS: Final = frozenset(Relation)
"""Those who change title, description and priority."""
NOTE_WRITERS: Final = _STAFF
PUBLISHERS: Final = _STAFF
"""Those who write for the status page."""
TARGET_SETTERS: Final = frozenset({Relation.GROUP_MEMBER, Relation.ADMIN})
"""Those who state SLA targets of their own for a new ticket."""


def assigners(ticket: Ticket) -> frozenset[Relation]:
    """Return the relations by which an actor can assign or transfer a ticket.

    If the ticket has no assignee group, its requester can do it too.
    """
    return _STAFF if ticket.assignee_group else frozenset(Relation)


def authorize_assign(ticket: Ticket, actor: Actor) -> frozenset[Relation]:
    """Return the relations by which the actor can assign the ticket: see `assigners`.

    Raises:
        TicketClosed: the ticket is CLOSED.
        Forbidden: the actor cannot assign the ticket.

    """
    _check_not_closed(ticket)
    return _authorize("assign", ticket, actor, assigners(ticket))


def authorize_transfer(ticket: Ticket, actor: Actor) -> frozenset[Relation]:
    """Return the relations by which the actor can change the assignee group: see `assigners`.

    Raises:
        TicketClosed: the ticket is CLOSED.
        Forbidden: the actor cannot transfer the ticket.

    """
    _check_not_closed(ticket)
    return _authorize("transfer", ticket, actor, assigners(ticket))


def authorize_edit(ticket: Ticket, actor: Actor) -> frozenset[Relation]:
    """Return the relations by which the actor can change title, description and priority.

    Raises:
        TicketClosed: the ticket is CLOSED.
        Forbidden: the actor cannot edit the ticket.

    """
    _check_not_closed(ticket)
    return _authorize("edit", ticket, actor, EDITORS)


def authorize_note(ticket: Ticket, actor: Actor) -> frozenset[Relation]:
    """Return the relations by which the actor can add an internal note, even to a CLOSED ticket.

    Raises:
        Forbidden: the actor cannot add internal notes.

    """
    return _authorize("add internal notes to", ticket, actor, NOTE_WRITERS)


def authorize_publish(ticket: Ticket, actor: Actor) -> frozenset[Relation]:
    """Return the relations by which the actor can publish a text about the ticket, even if CLOSED.

    Raises:
        Forbidden: the actor cannot publish anything about the ticket.

    """
    return _authorize("publish a text about", ticket, actor, PUBLISHERS)


def can_publish(ticket: Ticket, actor: Actor) -> bool:
    """Return whether the actor can publish a text about the ticket on the status page."""
    return bool(_relations(ticket, actor) & PUBLISHERS)


def can_read_directory(actor: Actor) -> bool:
    """Return whether an actor can list users and groups: admins, and members of any group.

    They can assign tickets of others. A user without groups can assign only their own tickets that
    have no assignee group.
    """
    return actor.is_admin or bool(actor.groups)


def authorize_directory(actor: Actor) -> None:
    """Check that the actor can list users and groups.

    Raises:
        Forbidden: the actor is neither an admin nor a member of a group.

    """
    if not can_read_directory(actor):
        message = "Only admins and members of a group can list users and groups."
        raise Forbidden(message, reason="group_required")


def can_open_on_behalf(actor: Actor, on_behalf: AbstractSet[str]) -> bool:
    """Return whether the actor can open a ticket for another user.

    Args:
        actor: who opens the ticket.
        on_behalf: the groups of `ticketing.onBehalf`.

    """
    return actor.is_admin or not actor.groups.isdisjoint(on_behalf)


def authorize_requester(
    requester: str, actor: Actor, on_behalf: AbstractSet[str] = frozenset()
) -> str | None:
    """Return the group by which the actor can open a ticket for its requester.

    Args:
        requester: the user id of the requester.
        actor: who opens the ticket.
        on_behalf: the groups of `ticketing.onBehalf`.

    Returns:
        None if the actor needs no group: as the requester, or as an admin.

    Raises:
        Forbidden: the actor cannot open tickets for other users.

    """
    if requester == actor.id or actor.is_admin:
        return None
    if can_open_on_behalf(actor, on_behalf):
        return min(actor.groups & on_behalf)
    raise Forbidden(
        "Only admins and members of a group in ticketing.onBehalf can open a ticket for another"
        " user. Leave out the requester to open it for yourself.",
        reason="group_required",
        field="requester",
    )


def authorize_targets(assignee_group: str | None, requester: str, actor: Actor) -> None:
    """Check that the actor can state SLA targets of their own for a new ticket of a group.

    Raises:
        Forbidden: the actor can request only those of the priority.

    """
    if actor.is_admin or assignee_group in actor.groups:
        return
    held = frozenset({Relation.REQUESTER} if requester == actor.id else ())
    raise Forbidden(
        f"Only {_listed(TARGET_SETTERS)} can set sla.targets;"
        f" you are {_listed(held) or 'neither'}."
        " Request the targets of the priority (sla.byPriority: true), or no sla.",
        reason="role_required",
        field="sla.targets",
        allowed_roles=sorted(TARGET_SETTERS),
        holds=sorted(held),
    )


def can_read(ticket: Ticket, viewer: Viewer) -> bool:
    """Return whether the viewer can read a ticket; in SQL: `engine.storage.tickets.visibility`."""
    return viewer.sees_all or bool(_relations(ticket, viewer.actor))


def can_read_entry(entry: Entry, ticket: Ticket, actor: Actor) -> bool:
    """Return whether an actor who can read the ticket can read an entry of its history."""
    return entry.kind is not EntryKind.NOTE or can_read_notes(ticket, actor)


def can_read_notes(ticket: Ticket, actor: Actor) -> bool:
    """Return whether an actor who can read the ticket can read its internal notes."""
    return bool(_relations(ticket, actor) & _STAFF)


def _relations(ticket: Ticket, actor: Actor) -> frozenset[Relation]:
    held = {
        Relation.REQUESTER: ticket.requester == actor.id,
        Relation.ASSIGNEE: ticket.assignee == actor.id,
        Relation.GROUP_MEMBER: ticket.assignee_group in actor.groups,
        Relation.ADMIN: actor.is_admin,
    }
    return frozenset(relation for relation, holds in held.items() if holds)


def _check_not_closed(ticket: Ticket) -> None:
    if ticket.status is Status.CLOSED:
        raise TicketClosed(reason="ticket_closed", ticket=ticket.id)


def _authorize(
    verb: str, ticket: Ticket, actor: Actor, allowed: frozenset[Relation]
) -> frozenset[Relation]:
    held = _relations(ticket, actor)
    if held & allowed:
        return held & allowed
    raise Forbidden(
        f"Only {_listed(allowed)} can {verb} {ticket.id};"
        f" you are {_listed(held) or 'not involved in it'}.",
        reason="role_required",
        ticket=ticket.id,
        allowed_roles=sorted(allowed),
        holds=sorted(held),
    )


def _listed(relations: frozenset[Relation]) -> str:
    *others, last = [name for relation, name in _NAMES.items() if relation in relations] or [""]
    return f"{', '.join(others)} or {last}" if others else last
