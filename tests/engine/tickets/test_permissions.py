"""Who may edit and assign: every way to stand to a ticket, with and without a group."""

from collections.abc import Callable
from itertools import chain, combinations

import pytest

from engine.errors import Forbidden, TicketClosed
from engine.tickets.actor import Actor
from engine.tickets.history import EntryKind
from engine.tickets.permissions import (
    Relation,
    authorize_assign,
    authorize_edit,
    authorize_note,
    can_read_entry,
)
from engine.tickets.ticket import Ticket
from engine.vocabulary import Status
from tests.support.ticket_examples import a_ticket, an_entry

REQUESTER, ASSIGNEE, GROUP_MEMBER, ADMIN = Relation

Held = tuple[Relation, ...]
Rule = Callable[[Ticket, Actor], frozenset[Relation]]

COMBINATIONS: list[Held] = [
    *chain.from_iterable(combinations(Relation, size) for size in range(len(Relation) + 1))
]


def standing(held: Held, group: str | None = "payment-team") -> tuple[Ticket, Actor]:
    """Return a ticket and a person who stands to it in exactly these ways."""
    ticket = a_ticket(
        requester="me" if REQUESTER in held else "u_b1",
        assignee="me" if ASSIGNEE in held else "u_c4",
        assignee_group=group,
    )
    groups = frozenset({"others", *(["payment-team"] if GROUP_MEMBER in held else [])})
    return ticket, Actor("me", "M.", groups, is_admin=ADMIN in held)


WHO_MAY_EDIT: dict[str, tuple[Held, str | None, bool]] = {
    "the requester may": ((REQUESTER,), "payment-team", True),
    "the assignee may": ((ASSIGNEE,), "payment-team", True),
    "a member of the group may": ((GROUP_MEMBER,), "payment-team", True),
    "an admin may": ((ADMIN,), "payment-team", True),
    "a stranger may not": ((), "payment-team", False),
    "without a group, its requester may": ((REQUESTER,), None, True),
    "without a group, its assignee may": ((ASSIGNEE,), None, True),
    "without a group, an admin may": ((ADMIN,), None, True),
    "without a group, a member of another may not": ((GROUP_MEMBER,), None, False),
    "without a group, a stranger may not": ((), None, False),
}
WHO_MAY_ASSIGN = WHO_MAY_EDIT | {"the requester may": ((REQUESTER,), "payment-team", False)}


@pytest.mark.parametrize(("held", "group", "allowed"), WHO_MAY_EDIT.values(), ids=WHO_MAY_EDIT)
def test_who_may_edit(held: Held, group: str | None, *, allowed: bool) -> None:
    ticket, actor = standing(held, group)
    if allowed:
        assert authorize_edit(ticket, actor) == {*held}
    else:
        with pytest.raises(Forbidden):
            authorize_edit(ticket, actor)


@pytest.mark.parametrize(("held", "group", "allowed"), WHO_MAY_ASSIGN.values(), ids=WHO_MAY_ASSIGN)
def test_who_may_assign(held: Held, group: str | None, *, allowed: bool) -> None:
    ticket, actor = standing(held, group)
    if allowed:
        assert authorize_assign(ticket, actor) == {*held}
    else:
        with pytest.raises(Forbidden):
            authorize_assign(ticket, actor)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("held", COMBINATIONS, ids=" and ".join)
def test_notes_are_seen_by_those_who_may_take_them(held: Held, status: Status) -> None:
    ticket, actor = standing(held)
    ticket = ticket._replace(status=status)
    note, comment = (an_entry(kind=kind) for kind in (EntryKind.NOTE, EntryKind.COMMENT))
    assert can_read_entry(comment, ticket, actor)
    assert can_read_entry(note, ticket, actor) == bool({*held} - {REQUESTER})
    if can_read_entry(note, ticket, actor):
        assert authorize_note(ticket, actor) == {*held} - {REQUESTER}
    else:
        with pytest.raises(Forbidden):
            authorize_note(ticket, actor)


@pytest.mark.parametrize("held", COMBINATIONS, ids=" and ".join)
def test_what_allowed_it_is_all_of_what_would_have_done(held: Held) -> None:
    ticket, actor = standing(held)
    if held:
        assert authorize_edit(ticket, actor) == {*held}
    if {*held} - {REQUESTER}:
        assert authorize_assign(ticket, actor) == {*held} - {REQUESTER}


@pytest.mark.parametrize("held", COMBINATIONS, ids=" and ".join)
@pytest.mark.parametrize("rule", [authorize_edit, authorize_assign])
def test_nobody_changes_a_closed_ticket(rule: Rule, held: Held) -> None:
    ticket, actor = standing(held)
    closed = a_ticket(status=Status.CLOSED, requester=ticket.requester, assignee=ticket.assignee)
    with pytest.raises(TicketClosed) as refused:
        rule(closed, actor)
    assert refused.value.details == {"reason": "ticket_closed", "ticket": "tk_4f8e29"}


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.CLOSED])
def test_every_other_status_takes_edits(status: Status) -> None:
    ticket, actor = a_ticket(status=status), Actor("u_b1", "Anna K.")
    assert authorize_edit(ticket, actor) == {REQUESTER}


def test_a_refusal_tells_who_could_and_what_the_actor_is() -> None:
    ticket, actor = standing((REQUESTER,))
    with pytest.raises(Forbidden) as refused:
        authorize_assign(ticket, actor)
    assert refused.value.details == {
        "reason": "role_required",
        "ticket": "tk_4f8e29",
        "allowed_roles": ["admin", "assignee", "group_member"],
        "holds": ["requester"],
    }
    assert refused.value.message == (
        "To assign tk_4f8e29 takes its assignee or group member or admin; the actor is requester."
    )


def test_nobody_is_the_person_that_a_ticket_lacks() -> None:
    orphan = a_ticket(requester=None, assignee=None, assignee_group=None)
    with pytest.raises(Forbidden):
        authorize_assign(orphan, Actor("None", "N.", frozenset({"None", ""})))
