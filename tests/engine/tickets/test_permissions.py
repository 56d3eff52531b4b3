"""Who can edit, assign, transfer and annotate a ticket: all combinations of relations."""

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
    authorize_requester,
    authorize_transfer,
    can_open_on_behalf,
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


def involve(held: Held, group: str | None = "payment-team") -> tuple[Ticket, Actor]:
    """Return a ticket and an actor who has exactly these relations to it."""
    ticket = a_ticket(
        requester="me" if REQUESTER in held else "u_b1",
        assignee="me" if ASSIGNEE in held else "u_c4",
        assignee_group=group,
    )
    groups = frozenset({"others", *(["payment-team"] if GROUP_MEMBER in held else [])})
    return ticket, Actor("me", "M.", groups, is_admin=ADMIN in held)


EDITORS: dict[str, tuple[Held, str | None, bool]] = {
    "the requester can": ((REQUESTER,), "payment-team", True),
    "the assignee can": ((ASSIGNEE,), "payment-team", True),
    "a member of the group can": ((GROUP_MEMBER,), "payment-team", True),
    "an admin can": ((ADMIN,), "payment-team", True),
    "an outsider cannot": ((), "payment-team", False),
    "without a group, the requester can": ((REQUESTER,), None, True),
    "without a group, the assignee can": ((ASSIGNEE,), None, True),
    "without a group, an admin can": ((ADMIN,), None, True),
    "without a group, a member of another group cannot": ((GROUP_MEMBER,), None, False),
    "without a group, an outsider cannot": ((), None, False),
}
ASSIGNERS = EDITORS | {"the requester can": ((REQUESTER,), "payment-team", False)}


@pytest.mark.parametrize(("held", "group", "allowed"), EDITORS.values(), ids=EDITORS)
def test_who_can_edit(held: Held, group: str | None, *, allowed: bool) -> None:
    ticket, actor = involve(held, group)
    if allowed:
        assert authorize_edit(ticket, actor) == {*held}
    else:
        with pytest.raises(Forbidden):
            authorize_edit(ticket, actor)


@pytest.mark.parametrize(("held", "group", "allowed"), ASSIGNERS.values(), ids=ASSIGNERS)
@pytest.mark.parametrize("rule", [authorize_assign, authorize_transfer])
def test_who_can_assign_and_transfer(
    rule: Rule, held: Held, group: str | None, *, allowed: bool
) -> None:
    ticket, actor = involve(held, group)
    if allowed:
        assert rule(ticket, actor) == {*held}
    else:
        with pytest.raises(Forbidden):
            rule(ticket, actor)


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize("held", COMBINATIONS, ids=" and ".join)
def test_users_who_can_add_notes_can_read_them(held: Held, status: Status) -> None:
    ticket, actor = involve(held)
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
def test_all_relations_that_allow_an_action_are_returned(held: Held) -> None:
    ticket, actor = involve(held)
    if held:
        assert authorize_edit(ticket, actor) == {*held}
    if {*held} - {REQUESTER}:
        assert authorize_assign(ticket, actor) == {*held} - {REQUESTER}


@pytest.mark.parametrize("held", COMBINATIONS, ids=" and ".join)
@pytest.mark.parametrize("rule", [authorize_edit, authorize_assign, authorize_transfer])
def test_a_closed_ticket_cannot_be_changed(rule: Rule, held: Held) -> None:
    ticket, actor = involve(held)
    closed = a_ticket(status=Status.CLOSED, requester=ticket.requester, assignee=ticket.assignee)
    with pytest.raises(TicketClosed) as refused:
        rule(closed, actor)
    assert refused.value.details == {"reason": "ticket_closed", "ticket": "tk_4f8e29"}


@pytest.mark.parametrize("status", [each for each in Status if each is not Status.CLOSED])
def test_a_ticket_in_any_other_status_can_be_edited(status: Status) -> None:
    ticket, actor = a_ticket(status=status), Actor("u_b1", "Anna K.")
    assert authorize_edit(ticket, actor) == {REQUESTER}


def test_a_refusal_names_the_allowed_and_the_actual_relations() -> None:
    ticket, actor = involve((REQUESTER,))
    with pytest.raises(Forbidden) as refused:
        authorize_assign(ticket, actor)
    assert refused.value.details == {
        "reason": "role_required",
        "ticket": "tk_4f8e29",
        "allowed_roles": ["admin", "assignee", "group_member"],
        "holds": ["requester"],
    }
    assert refused.value.message == (
        "Only the assignee, a member of the assignee group or an admin can assign tk_4f8e29;"
        " you are the requester."
    )


def test_a_missing_user_or_group_matches_no_actor() -> None:
    orphan = a_ticket(requester=None, assignee=None, assignee_group=None)
    with pytest.raises(Forbidden):
        authorize_assign(orphan, Actor("None", "N.", frozenset({"None", ""})))


DESK_AND_OPS: frozenset[str] = frozenset({"service-desk", "ops"})
OPENERS: dict[str, tuple[Actor, str, str | None]] = {
    "a user, for themselves": (Actor("me", "M."), "me", None),
    "a member, for themselves": (Actor("me", "M.", frozenset({"ops"})), "me", None),
    "a member, for another": (Actor("me", "M.", frozenset({"ops", "others"})), "you", "ops"),
    "a member of both groups": (Actor("me", "M.", DESK_AND_OPS), "you", "ops"),
    "an admin": (Actor("me", "M.", is_admin=True), "you", None),
    "an admin who is a member": (Actor("me", "M.", DESK_AND_OPS, is_admin=True), "you", None),
}


@pytest.mark.parametrize(("actor", "requester", "group"), OPENERS.values(), ids=OPENERS)
def test_who_can_open_a_ticket_for_whom(actor: Actor, requester: str, group: str | None) -> None:
    assert authorize_requester(requester, actor, DESK_AND_OPS) == group


@pytest.mark.parametrize("groups", [(), ("others",), ("OPS",), ("op",)])
def test_other_users_cannot_open_a_ticket_for_another(groups: tuple[str, ...]) -> None:
    actor = Actor("me", "M.", frozenset(groups))
    assert not can_open_on_behalf(actor, DESK_AND_OPS)
    with pytest.raises(Forbidden, match="Leave out the requester") as refused:
        authorize_requester("you", actor, DESK_AND_OPS)
    assert refused.value.details == {"reason": "group_required", "field": "requester"}
