"""The audit reports a change that its user could not make, although all digests fit."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from engine.audit.history import find_flaw
from engine.tickets.actor import Actor
from engine.tickets.changes import Change, opening_from_command
from engine.tickets.history import EntryKind
from engine.tickets.ticket import Opening, rebuild_ticket
from engine.vocabulary import Status
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER
from tests.support.ticket_desk import (
    INCIDENT,
    TRANSITIONS,
    Desk,
    first_desk,
    workflow,
)
from tests.support.ticket_examples import with_digests
from tests.support.ticket_stories import (
    AS_MEMBER,
    CLOSED,
    IN_PROGRESS,
    OPEN,
    RESOLVED,
    SECOND,
    Case,
    after,
    append,
    assert_reported,
    comment,
    move,
    note,
    ticket_in,
)

COLLEAGUE = Actor("u_d5", "Dóra S.", frozenset({"payment-team"}))
PAYMENTS, NETWORK = "payment-team", "network-team"
AS_REQUESTER = '{"allowed_as": ["requester"]}'
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

TRANSFER = Change(EntryKind.ASSIGNEE_GROUP, PAYMENTS, NETWORK, AS_MEMBER)
REMOVAL = Change(EntryKind.ASSIGNEE, MARTON.id, None, AS_MEMBER)


def transferred(*changes: Change, status: Status = IN_PROGRESS, **forged: Any) -> Desk:  # noqa: ANN401  # any field
    """Return a desk on which a colleague of Marton made changes at once; the last is forged."""
    desk = ticket_in(status)
    desk.now += SECOND
    desk.append(desk.tickets[-1], COLLEAGUE, changes)
    desk.tickets[-1][-1] = replace(desk.tickets[-1][-1], **forged)
    return desk


TRANSFERS: dict[str, Case] = {
    "a transfer by the requester, although there is a group": (
        lambda: append(
            ticket_in(OPEN),
            ANNA,
            Change(EntryKind.ASSIGNEE_GROUP, PAYMENTS, NETWORK, '{"allowed_as": ["requester"]}'),
        ),
        'its details {"allowed_as": ["requester"]} do not record a relation that allows u_b1 this',
    ),
    "a transfer of a CLOSED ticket": (
        lambda: transferred(TRANSFER, status=CLOSED),
        "the ticket was CLOSED at that time",
    ),
    "a transfer from another group": (
        lambda: transferred(TRANSFER, old_value="storage-team"),
        "its old value is 'storage-team', but the assignee_group was 'payment-team'",
    ),
    "a transfer to a blank group": (
        lambda: transferred(TRANSFER, new_value=" "),
        "the assignee group is blank",
    ),
    "a removal after a transfer, by someone else": (
        lambda: transferred(TRANSFER, REMOVAL, actor=OUTSIDER.id, details=None),
        "its details None do not record a relation that allows u_z9 this",
    ),
    "a removal after a transfer, for another reason": (
        lambda: transferred(TRANSFER, REMOVAL, details='{"allowed_as": ["requester"]}'),
        'its details {"allowed_as": ["requester"]} do not record a relation that allows u_d5 this',
    ),
    "a new assignee after a transfer to no group": (
        lambda: transferred(replace(TRANSFER, new=None), replace(REMOVAL, new="u_d5")),
        (
            'its details {"allowed_as": ["group_member"]} do not record a relation that allows'
            " u_d5 this"
        ),
    ),
}

CASES = TRANSITIONS_BY_USERS | EDITS | TRANSFERS


@pytest.mark.parametrize(("build", "message"), CASES.values(), ids=CASES)
def test_an_entry_that_breaks_a_rule_is_reported(build: Callable[[], Desk], message: str) -> None:
    assert_reported(build, message)


def test_a_transfer_removes_the_assignee_by_the_same_right() -> None:
    desk = first_desk()
    desk.open(ANNA, replace(opening_of(desk), assignee=MARTON.id, assignee_group=None))
    changes = [replace(TRANSFER, old=None, details=AS_REQUESTER)]
    changes.append(replace(REMOVAL, details=AS_REQUESTER))
    desk.append(desk.tickets[-1], ANNA, changes)
    chain = with_digests(desk.tickets[-1])
    ticket = rebuild_ticket(desk.tickets[-1])
    assert (ticket.assignee, ticket.assignee_group) == (None, NETWORK)
    assert find_flaw(desk.declared, ticket, chain[-1].digest, chain) is None


def test_a_removal_a_second_after_a_transfer_needs_a_right_of_its_own() -> None:
    def build() -> Desk:
        desk = first_desk()
        desk.open(ANNA, replace(opening_of(desk), assignee=MARTON.id, assignee_group=None))
        append(desk, ANNA, replace(TRANSFER, old=None, details=AS_REQUESTER))
        return append(desk, ANNA, replace(REMOVAL, details=AS_REQUESTER))

    message = 'its details {"allowed_as": ["requester"]} do not record a relation that allows'
    assert_reported(build, f"{message} u_b1 this")


def opening_of(desk: Desk) -> Opening:
    return opening_from_command(INCIDENT, ANNA, desk.terms())
