"""The changes that commands make, and the entries that record them."""

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
    opening_from_command,
    opening_from_item,
    transfer_changes,
    unassignment,
)
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    TransferTicket,
    UpdateTicket,
)
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import SlaTerms
from engine.tickets.ticket import initial_ticket
from engine.vocabulary import Priority, Status
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER
from tests.support.ticket_examples import NOON, a_ticket

LATER = NOON + timedelta(hours=1)


def create(actor: Actor, **values: object) -> Entry:
    command = CreateTicket.parse(title="Payments fail", workflow="incident_response", **values)
    opening = opening_from_command(command, actor, SlaTerms())
    return opening_entry("tk_4f8e29", opening, actor, NOON, revision=7)


def test_the_first_entry_has_all_values_of_the_ticket() -> None:
    entry = create(ADA, description="\U0001f525", priority="LOW", assignee="u_c4")
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
    "no user, with a group": (OUTSIDER, "payment-team", None, True),
    "no user, without a group": (OUTSIDER, None, None, True),
    "any user, without a group": (OUTSIDER, None, "u_c4", True),
    "the requester, without a group": (OUTSIDER, None, "u_z9", True),
    "any user, by a member of the group": (MARTON, "payment-team", "u_b1", True),
    "any user, by an admin": (ADA, "payment-team", "u_b1", True),
    "not a user of another group": (OUTSIDER, "payment-team", "u_c4", False),
    "not the requester, with another group": (OUTSIDER, "payment-team", "u_z9", False),
    "not by a member of another group": (MARTON, "network-team", "u_c4", False),
}


@pytest.mark.parametrize(
    ("actor", "group", "assignee", "allowed"), FIRST_ASSIGNEES.values(), ids=FIRST_ASSIGNEES
)
def test_a_new_ticket_can_be_assigned_to(
    actor: Actor, group: str | None, assignee: str | None, *, allowed: bool
) -> None:
    if allowed:
        entry = create(actor, assignee_group=group, assignee=assignee)
        assert initial_ticket(entry).assignee == assignee
    else:
        with pytest.raises(Forbidden) as refused:
            create(actor, assignee_group=group, assignee=assignee)
        assert refused.value.details["reason"] == "role_required"


def summary(changes: Sequence[Change]) -> list[tuple[str, str | None, str | None]]:
    return [(each.kind, each.old, each.new) for each in changes]


EDITS: dict[str, tuple[dict[str, object], list[tuple[str, str | None, str | None]]]] = {
    "no fields": ({}, []),
    "all fields, unchanged": (
        {"title": " Payments fail ", "description": "", "priority": "HIGH"},
        [],
    ),
    "a title": ({"title": "Cards fail"}, [("title", "Payments fail", "Cards fail")]),
    "a description": ({"description": "All"}, [("description", "", "All")]),
    "a priority": ({"priority": "LOW"}, [("priority", "HIGH", "LOW")]),
    "one changed field of two": (
        {"title": "Payments fail", "priority": "CRITICAL"},
        [("priority", "HIGH", "CRITICAL")],
    ),
    "all fields, in a fixed order": (
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
    command = UpdateTicket.parse(ticket="tk_4f8e29", **values)
    assert summary(edit_changes(a_ticket(), ANNA, command)) == changes


ASSIGNMENTS: dict[str, tuple[str | None, str | None, list[tuple[str, str | None, str | None]]]] = {
    "from the queue": (None, "u_c4", [("assignee", None, "u_c4")]),
    "to another": ("u_c4", "u_b1", [("assignee", "u_c4", "u_b1")]),
    "back to the queue": ("u_c4", None, [("assignee", "u_c4", None)]),
    "to the current assignee": ("u_c4", "u_c4", []),
    "to the queue, where it is": (None, None, []),
}


@pytest.mark.parametrize(("before", "after", "changes"), ASSIGNMENTS.values(), ids=ASSIGNMENTS)
def test_an_assignment(
    before: str | None, after: str | None, changes: list[tuple[str, str | None, str | None]]
) -> None:
    command = AssignTicket.parse(ticket="tk_4f8e29", assignee=after)
    assert summary(assignment_changes(a_ticket(assignee=before), ADA, command)) == changes


TRANSFERS: dict[str, tuple[str | None, str | None, list[tuple[str, str | None, str | None]]]] = {
    "to another group": (
        "payment-team",
        "network-team",
        [("assignee_group", "payment-team", "network-team")],
    ),
    "to a first group": (None, "network-team", [("assignee_group", None, "network-team")]),
    "to no group": ("payment-team", None, [("assignee_group", "payment-team", None)]),
    "to the current group": ("payment-team", "payment-team", []),
    "to no group, as before": (None, None, []),
}


@pytest.mark.parametrize(("before", "after", "changes"), TRANSFERS.values(), ids=TRANSFERS)
def test_a_transfer(
    before: str | None, after: str | None, changes: list[tuple[str, str | None, str | None]]
) -> None:
    command = TransferTicket.parse(ticket="tk_4f8e29", assignee_group=after)
    assert summary(transfer_changes(a_ticket(assignee_group=before), ADA, command)) == changes


UNASSIGNMENTS: dict[str, tuple[str | None, str | None, set[str], bool]] = {
    "a member of the new group stays": ("u_c4", "network-team", {"network-team"}, False),
    "another is removed": ("u_c4", "network-team", {"payment-team"}, True),
    "a member of no group is removed": ("u_c4", "network-team", set(), True),
    "without a new group, the assignee stays": ("u_c4", None, set(), False),
    "without an assignee": (None, "network-team", set(), False),
}


@pytest.mark.parametrize(
    ("assignee", "group", "groups", "removed"), UNASSIGNMENTS.values(), ids=UNASSIGNMENTS
)
def test_the_assignee_after_a_transfer(
    assignee: str | None, group: str | None, groups: set[str], *, removed: bool
) -> None:
    transfer = Change(EntryKind.ASSIGNEE_GROUP, "payment-team", group, '{"allowed_as": ["admin"]}')
    removal = Change(EntryKind.ASSIGNEE, "u_c4", None, transfer.details)
    changes = unassignment(a_ticket(assignee=assignee), transfer, groups)
    assert changes == ((removal,) if removed else ())


def test_a_change_records_all_relations_that_allow_it() -> None:
    ticket = a_ticket(assignee="u_c4")
    edit = UpdateTicket.parse(ticket=ticket.id, title="Cards fail", priority="LOW")
    allowed_as = {json.dumps({"allowed_as": ["assignee", "group_member"]})}
    assert {each.details for each in edit_changes(ticket, MARTON, edit)} == allowed_as
    hand_over = AssignTicket.parse(ticket=ticket.id, assignee=None)
    assert {each.details for each in assignment_changes(ticket, MARTON, hand_over)} == allowed_as


def test_a_command_without_changes_still_requires_permission() -> None:
    edit = UpdateTicket.parse(ticket="tk_4f8e29")
    assign = AssignTicket.parse(ticket="tk_4f8e29", assignee=None)
    with pytest.raises(Forbidden):
        edit_changes(a_ticket(), OUTSIDER, edit)
    with pytest.raises(Forbidden):
        assignment_changes(a_ticket(), OUTSIDER, assign)
    with pytest.raises(TicketClosed):
        edit_changes(a_ticket(status=Status.CLOSED), ADA, edit)


@pytest.mark.parametrize("status", Status)
def test_every_user_can_comment_in_every_status(status: Status) -> None:
    command = CommentTicket.parse(ticket="tk_4f8e29", text="Looking")
    changes = comment_changes(a_ticket(status=status), OUTSIDER, command)
    assert changes == (Change(EntryKind.COMMENT, None, "Looking"),)


NOTES: dict[str, tuple[Actor, list[str] | None]] = {
    "the assignee, of the group": (MARTON, ["assignee", "group_member"]),
    "an admin": (ADA, ["admin"]),
    "not the requester": (ANNA, None),
    "not an outsider": (OUTSIDER, None),
}


@pytest.mark.parametrize("status", Status)
@pytest.mark.parametrize(("actor", "allowed_as"), NOTES.values(), ids=NOTES)
def test_a_note_can_be_added_in_every_status_by(
    actor: Actor, allowed_as: list[str] | None, status: Status
) -> None:
    command = CommentTicket.parse(ticket="tk_4f8e29", text="Looking", internal=True)
    ticket = a_ticket(status=status, assignee=MARTON.id)
    if allowed_as is None:
        with pytest.raises(Forbidden) as refused:
            comment_changes(ticket, actor, command)
        assert refused.value.details["allowed_roles"] == ["admin", "assignee", "group_member"]
    else:
        details = json.dumps({"allowed_as": allowed_as})
        note = Change(EntryKind.NOTE, None, "Looking", details)
        assert comment_changes(ticket, actor, command) == (note,)


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
    "the default texts": ({}, "Network outage", ""),
    "the texts of the requester": (
        {"title": " No DNS ", "description": "Since noon"},
        "No DNS",
        "Since noon",
    ),
}


@pytest.mark.parametrize(
    ("texts", "title", "description"), TEXTS_OF_AN_ITEM.values(), ids=TEXTS_OF_AN_ITEM
)
def test_a_ticket_from_an_item_has(texts: dict[str, str], title: str, description: str) -> None:
    command = CreateTicketFromCatalog.parse(item=ITEM.name, **texts)
    opening = opening_from_item(command, ITEM, MARTON, SlaTerms())
    entry = opening_entry("tk_4f8e29", opening, MARTON, NOON, revision=7)
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


def test_an_entry_records_the_roles_of_the_actor_before_the_change() -> None:
    handed_over = Change(EntryKind.ASSIGNEE, "u_c4", "u_b1")
    entries = build_entries(a_ticket(assignee="u_c4"), [handed_over], MARTON, LATER, revision=1)
    assert [each.actor_bits for each in entries] == [1]


def test_time_never_runs_backwards_in_a_history() -> None:
    ticket = a_ticket(updated_at=LATER)
    assert {each.at for each in build_entries(ticket, CHANGES, ANNA, NOON, revision=1)} == {LATER}
