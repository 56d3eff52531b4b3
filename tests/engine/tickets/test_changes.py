"""What requests do to a ticket: the entries that record them, or none."""

import json
from collections.abc import Sequence
from datetime import timedelta

import pytest

from engine.declaration.models import CatalogItem
from engine.errors import Forbidden, TicketClosed
from engine.tickets.actor import Actor
from engine.tickets.changes import (
    Change,
    assignment_changes,
    build_entries,
    comment_changes,
    edit_changes,
    opening_entry,
    opening_from_form,
    opening_from_item,
)
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    UpdateTicket,
)
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import SlaTerms
from engine.tickets.ticket import initial_ticket
from engine.vocabulary import Priority, Status
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER
from tests.support.ticket_examples import NOON, a_ticket

LATER = NOON + timedelta(hours=1)


def opening(actor: Actor, **values: object) -> Entry:
    form = CreateTicket.parse(title="Payments fail", workflow="incident_response", **values)
    return opening_entry(
        "tk_4f8e29", opening_from_form(form, actor, SlaTerms()), actor, NOON, revision=7
    )


def test_a_ticket_is_opened_by_one_entry_that_tells_all_of_it() -> None:
    entry = opening(ADA, description="\U0001f525", priority="LOW", assignee="u_c4")
    assert (entry.seq, entry.at, entry.actor, entry.kind) == (1, NOON, "u_a0", EntryKind.CREATED)
    assert (entry.old_value, entry.new_value) == (None, "OPEN")
    assert (entry.actor_bits, entry.workflow_revision) == (2 + 4, 7)
    assert initial_ticket(entry) == a_ticket(
        description="\U0001f525",
        priority=Priority.LOW,
        requester="u_a0",
        assignee="u_c4",
        assignee_group=None,
    )


FIRST_ASSIGNEES: dict[str, tuple[Actor, str | None, str | None, bool]] = {
    "nobody, into a group": (OUTSIDER, "payment-team", None, True),
    "nobody": (OUTSIDER, None, None, True),
    "anybody, without a group": (OUTSIDER, None, "u_c4", True),
    "oneself, without a group": (OUTSIDER, None, "u_z9", True),
    "anybody, by a member of the group": (MARTON, "payment-team", "u_b1", True),
    "anybody, by an admin": (ADA, "payment-team", "u_b1", True),
    "not somebody of another group": (OUTSIDER, "payment-team", "u_c4", False),
    "not oneself into another group": (OUTSIDER, "payment-team", "u_z9", False),
    "not by a member of another group": (MARTON, "network-team", "u_c4", False),
}


@pytest.mark.parametrize(
    ("actor", "group", "assignee", "allowed"), FIRST_ASSIGNEES.values(), ids=FIRST_ASSIGNEES
)
def test_a_ticket_opens_assigned_to(
    actor: Actor, group: str | None, assignee: str | None, *, allowed: bool
) -> None:
    if allowed:
        entry = opening(actor, assignee_group=group, assignee=assignee)
        assert initial_ticket(entry).assignee == assignee
    else:
        with pytest.raises(Forbidden) as refused:
            opening(actor, assignee_group=group, assignee=assignee)
        assert refused.value.details["reason"] == "role_required"


def summary(changes: Sequence[Change]) -> list[tuple[str, str | None, str | None]]:
    return [(each.kind, each.old, each.new) for each in changes]


EDITS: dict[str, tuple[dict[str, object], list[tuple[str, str | None, str | None]]]] = {
    "nothing named": ({}, []),
    "everything named and nothing new": (
        {"title": " Payments fail ", "description": "", "priority": "HIGH"},
        [],
    ),
    "a title": ({"title": "Cards fail"}, [("title", "Payments fail", "Cards fail")]),
    "a description": ({"description": "All"}, [("description", "", "All")]),
    "a priority": ({"priority": "LOW"}, [("priority", "HIGH", "LOW")]),
    "only what is new": (
        {"title": "Payments fail", "priority": "CRITICAL"},
        [("priority", "HIGH", "CRITICAL")],
    ),
    "everything, in one order": (
        {"priority": "LOW", "description": "All", "title": "Cards fail"},
        [
            ("title", "Payments fail", "Cards fail"),
            ("description", "", "All"),
            ("priority", "HIGH", "LOW"),
        ],
    ),
}


@pytest.mark.parametrize(("values", "changes"), EDITS.values(), ids=EDITS)
def test_an_edit_of(
    values: dict[str, object], changes: list[tuple[str, str | None, str | None]]
) -> None:
    form = UpdateTicket.parse(ticket="tk_4f8e29", **values)
    assert summary(edit_changes(a_ticket(), ANNA, form)) == changes


ASSIGNMENTS: dict[str, tuple[str | None, str | None, list[tuple[str, str | None, str | None]]]] = {
    "from nobody": (None, "u_c4", [("assignee", None, "u_c4")]),
    "to another": ("u_c4", "u_b1", [("assignee", "u_c4", "u_b1")]),
    "back to the queue": ("u_c4", None, [("assignee", "u_c4", None)]),
    "to who has it": ("u_c4", "u_c4", []),
    "from nobody to nobody": (None, None, []),
}


@pytest.mark.parametrize(("before", "after", "changes"), ASSIGNMENTS.values(), ids=ASSIGNMENTS)
def test_an_assignment(
    before: str | None, after: str | None, changes: list[tuple[str, str | None, str | None]]
) -> None:
    form = AssignTicket.parse(ticket="tk_4f8e29", assignee=after)
    assert summary(assignment_changes(a_ticket(assignee=before), ADA, form)) == changes


def test_a_change_tells_every_way_in_which_it_was_allowed() -> None:
    ticket = a_ticket(assignee="u_c4")
    edit = UpdateTicket.parse(ticket=ticket.id, title="Cards fail", priority="LOW")
    allowed_as = {json.dumps({"allowed_as": ["assignee", "group_member"]})}
    assert {each.details for each in edit_changes(ticket, MARTON, edit)} == allowed_as
    hand_over = AssignTicket.parse(ticket=ticket.id, assignee=None)
    assert {each.details for each in assignment_changes(ticket, MARTON, hand_over)} == allowed_as


def test_a_change_that_changes_nothing_is_still_only_for_those_who_may() -> None:
    edit = UpdateTicket.parse(ticket="tk_4f8e29")
    assign = AssignTicket.parse(ticket="tk_4f8e29", assignee=None)
    with pytest.raises(Forbidden):
        edit_changes(a_ticket(), OUTSIDER, edit)
    with pytest.raises(Forbidden):
        assignment_changes(a_ticket(), OUTSIDER, assign)
    with pytest.raises(TicketClosed):
        edit_changes(a_ticket(status=Status.CLOSED), ADA, edit)


@pytest.mark.parametrize("status", Status)
def test_everybody_may_comment_in_every_status(status: Status) -> None:
    form = CommentTicket.parse(ticket="tk_4f8e29", text="Looking")
    changes = comment_changes(a_ticket(status=status), OUTSIDER, form)
    assert changes == (Change(EntryKind.COMMENT, None, "Looking"),)


NOTES: dict[str, tuple[Actor, list[str] | None]] = {
    "the assignee, of the group": (MARTON, ["assignee", "group_member"]),
    "an admin": (ADA, ["admin"]),
    "not the requester": (ANNA, None),
    "not a stranger": (OUTSIDER, None),
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(("actor", "allowed_as"), NOTES.values(), ids=NOTES)
def test_a_note_is_taken_in_every_status_by(
    actor: Actor, allowed_as: list[str] | None, status: Status
) -> None:
    form = CommentTicket.parse(ticket="tk_4f8e29", text="Looking", internal=True)
    ticket = a_ticket(status=status, assignee=MARTON.id)
    if allowed_as is None:
        with pytest.raises(Forbidden) as refused:
            comment_changes(ticket, actor, form)
        assert refused.value.details["allowed_roles"] == ["admin", "assignee", "group_member"]
    else:
        details = json.dumps({"allowed_as": allowed_as})
        note = Change(EntryKind.NOTE, None, "Looking", details)
        assert comment_changes(ticket, actor, form) == (note,)


ITEM = CatalogItem.model_validate(
    {
        "name": "network_outage",
        "category": "incidents",
        "displayName": "Network outage",
        "description": "Connectivity or DNS",
        "workflow": "incident_response",
        "defaults": {"priority": "HIGH", "assigneeGroup": "network-team"},
    }
)
TEXTS_OF_AN_ITEM: dict[str, tuple[dict[str, str], str, str]] = {
    "the item's name": ({}, "Network outage", ""),
    "texts of one's own": (
        {"title": " No DNS ", "description": "Since noon"},
        "No DNS",
        "Since noon",
    ),
}


@pytest.mark.parametrize(
    ("given", "title", "description"), TEXTS_OF_AN_ITEM.values(), ids=TEXTS_OF_AN_ITEM
)
def test_a_ticket_from_an_item_is_as_the_item_says_under(
    given: dict[str, str], title: str, description: str
) -> None:
    form = CreateTicketFromCatalog.parse(item=ITEM.name, **given)
    entry = opening_entry(
        "tk_4f8e29", opening_from_item(form, ITEM, MARTON, SlaTerms()), MARTON, NOON, revision=7
    )
    assert initial_ticket(entry) == a_ticket(
        title=title,
        description=description,
        priority=Priority.HIGH,
        requester=MARTON.id,
        assignee=None,
        assignee_group="network-team",
        item="network_outage",
    )


CHANGES = (
    Change(EntryKind.TITLE, "Payments fail", "Cards fail", "{}"),
    Change(EntryKind.PRIORITY, "HIGH", "LOW", "{}"),
)


def test_changes_become_the_next_entries() -> None:
    ticket = a_ticket(assignee="u_b1", version=4)
    entries = build_entries(ticket, CHANGES, ANNA, LATER, revision=7)
    assert [
        (each.seq, each.kind, each.old_value, each.new_value, each.details) for each in entries
    ] == [
        (5, "title", "Payments fail", "Cards fail", "{}"),
        (6, "priority", "HIGH", "LOW", "{}"),
    ]
    assert {
        (each.ticket, each.at, each.actor, each.actor_bits, each.workflow_revision)
        for each in entries
    } == {("tk_4f8e29", LATER, "u_b1", 1 + 2, 7)}


def test_the_actor_is_what_they_were_before_the_change() -> None:
    handed_over = Change(EntryKind.ASSIGNEE, "u_c4", "u_b1")
    entries = build_entries(a_ticket(assignee="u_c4"), [handed_over], MARTON, LATER, revision=1)
    assert [each.actor_bits for each in entries] == [1]


def test_time_never_runs_backwards_in_a_history() -> None:
    ticket = a_ticket(updated_at=LATER)
    assert {each.at for each in build_entries(ticket, CHANGES, ANNA, NOON, revision=1)} == {LATER}
