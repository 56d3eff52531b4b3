"""The audit reports a change that its user could not make, although all digests fit."""

from collections.abc import Callable

import pytest

from engine.tickets.changes import Change
from engine.tickets.history import EntryKind
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER
from tests.support.ticket_desk import (
    TRANSITIONS,
    Desk,
    workflow,
)
from tests.support.ticket_stories import (
    CLOSED,
    IN_PROGRESS,
    OPEN,
    RESOLVED,
    Case,
    after,
    append,
    assert_reported,
    comment,
    move,
    note,
    ticket_in,
)

AS_ASSIGNEE = '{"allowed_as": ["assignee"]}'

TRANSITIONS_BY_USERS: dict[str, Case] = {
    "a stranger closes a ticket": (
        lambda: append(ticket_in(RESOLVED), OUTSIDER, move(RESOLVED, CLOSED)),
        (
            "revision 1 of flow does not allow RESOLVED -> CLOSED to u_z9, who was neither"
            " requester nor assignee"
        ),
    ),
    "a stranger who claims a role": (
        lambda: append(ticket_in(RESOLVED), OUTSIDER, move(RESOLVED, CLOSED), actor_bits=2),
        "it records u_z9 as requester (2), but u_z9 was neither requester nor assignee",
    ),
    "all roles": (
        lambda: append(ticket_in(RESOLVED), ANNA, move(RESOLVED, CLOSED), actor_bits=7),
        "it records u_b1 as assignee and requester and admin (7), but u_b1 was requester",
    ),
    "a role that the user has no longer": (
        lambda: append(
            append(
                ticket_in(OPEN),
                MARTON,
                Change(EntryKind.ASSIGNEE, MARTON.id, None, '{"allowed_as": ["assignee"]}'),
            ),
            MARTON,
            move(OPEN, IN_PROGRESS),
            actor_bits=1,
        ),
        "it records u_c4 as assignee (1), but u_c4 was neither requester nor assignee",
    ),
    "a jump": (
        lambda: append(ticket_in(OPEN), MARTON, move(OPEN, CLOSED)),
        "revision 1 of flow does not allow OPEN -> CLOSED to u_c4, who was assignee",
    ),
    "an old value that is not the status": (
        lambda: append(ticket_in(IN_PROGRESS), MARTON, move(OPEN, IN_PROGRESS)),
        "its old value is 'OPEN', but the status was 'IN_PROGRESS'",
    ),
    "a transition out of CLOSED, although it is declared": (
        lambda: append(
            after(ticket_in(CLOSED), workflow("flow", TRANSITIONS[1])), ADA, move(CLOSED, OPEN)
        ),
        "the ticket was CLOSED at that time",
    ),
    "a transition with a reason": (
        lambda: append(ticket_in(OPEN), MARTON, move(OPEN, IN_PROGRESS, "{}")),
        "a transition by a user has no details",
    ),
    "an unknown status": (
        lambda: append(ticket_in(OPEN), MARTON, move(OPEN, IN_PROGRESS), new_value="DONE"),
        "its content is not a valid change of a ticket",
    ),
}

EDITS: dict[str, Case] = {
    "an edit of a CLOSED ticket": (
        lambda: append(
            ticket_in(CLOSED),
            MARTON,
            Change(EntryKind.TITLE, "Payments fail", "Cards fail", AS_ASSIGNEE),
        ),
        "the ticket was CLOSED at that time",
    ),
    "an edit by a stranger": (
        lambda: append(
            ticket_in(OPEN), OUTSIDER, Change(EntryKind.TITLE, "Payments fail", "Cards fail")
        ),
        "its details None do not record a relation that allows u_z9 this",
    ),
    "an edit that claims another role than it records": (
        lambda: append(
            ticket_in(OPEN),
            OUTSIDER,
            Change(EntryKind.TITLE, "Payments fail", "Cards fail", AS_ASSIGNEE),
        ),
        'its details {"allowed_as": ["assignee"]} do not record a relation that allows u_z9 this',
    ),
    "an assignment by the requester, although there is a group": (
        lambda: append(
            ticket_in(OPEN),
            ANNA,
            Change(EntryKind.ASSIGNEE, MARTON.id, ANNA.id, '{"allowed_as": ["requester"]}'),
        ),
        'its details {"allowed_as": ["requester"]} do not record a relation that allows u_b1 this',
    ),
    "an edit that changes nothing": (
        lambda: append(
            ticket_in(OPEN),
            MARTON,
            Change(EntryKind.DESCRIPTION, "", "", AS_ASSIGNEE),
        ),
        "the old value is also the new one",
    ),
    "an assignment to system": (
        lambda: append(
            ticket_in(OPEN),
            MARTON,
            Change(EntryKind.ASSIGNEE, MARTON.id, "system", AS_ASSIGNEE),
        ),
        "'system' cannot be an assignee",
    ),
    "a priority without its SLA targets": (
        lambda: append(
            ticket_in(OPEN), MARTON, Change(EntryKind.PRIORITY, "MEDIUM", "LOW", AS_ASSIGNEE)
        ),
        "its SLA targets are not those of LOW at that time",
    ),
    "a note by the requester": (
        lambda: append(ticket_in(OPEN), ANNA, note("Hello", '{"allowed_as": ["requester"]}')),
        'its details {"allowed_as": ["requester"]} do not record a relation that allows u_b1 this',
    ),
    "a blank comment": (
        lambda: append(ticket_in(OPEN), ANNA, comment(" ")),
        "the comment is blank",
    ),
    "a breach by a user": (
        lambda: append(ticket_in(OPEN), ADA, Change(EntryKind.SLA_BREACH, None, "response")),
        "u_a0 cannot make an entry of kind sla_breach",
    ),
    "details that are not JSON": (
        lambda: append(
            ticket_in(OPEN), MARTON, Change(EntryKind.PRIORITY, "MEDIUM", "LOW", "[" * 200_000)
        ),
        "its content is not a valid change of a ticket",
    ),
}

CASES = TRANSITIONS_BY_USERS | EDITS


@pytest.mark.parametrize(("build", "message"), CASES.values(), ids=CASES)
def test_an_entry_that_breaks_a_rule_is_reported(build: Callable[[], Desk], message: str) -> None:
    assert_reported(build, message)
