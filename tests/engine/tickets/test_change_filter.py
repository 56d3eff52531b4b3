"""The changes of a ticket, derived backwards from its current version, and their filter."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.errors import InvalidInput
from engine.tickets.actor import Actor
from engine.tickets.change_filter import ChangeFilter, ticket_states
from engine.tickets.history import Entry, EntryKind
from engine.tickets.ticket import Ticket, rebuild_ticket
from tests.support.personas import ANNA, MARTON
from tests.support.ticket_examples import CREATED, HISTORIES, a_ticket, an_entry

Change = tuple[Entry, Ticket | None, Ticket]
"""An entry, and the ticket before and after it."""

FIELD_OF = {
    EntryKind.STATUS: "status",
    EntryKind.ASSIGNEE: "assignee",
    EntryKind.ASSIGNEE_GROUP: "assignee_group",
    EntryKind.PRIORITY: "priority",
    EntryKind.TITLE: "title",
    EntryKind.DESCRIPTION: "description",
}


def coherent(history: list[Entry]) -> list[Entry]:
    """Return a history in which each entry has the value that it replaces."""
    entries = history[:1]
    for entry in history[1:]:
        field = FIELD_OF.get(entry.kind)
        old = getattr(rebuild_ticket(entries), field) if field else None
        entries.append(replace(entry, old_value=old))
    return entries


def without_version(ticket: Ticket | None) -> Ticket | None:
    return ticket and ticket._replace(version=0, updated_at=ticket.created_at)


@given(history=HISTORIES.map(coherent), data=st.data())
def test_every_change_has_the_tickets_of_the_history_up_to_it(
    history: list[Entry], data: st.DataObject
) -> None:
    now = rebuild_ticket(history)
    first = data.draw(st.integers(0, len(history) - 1))
    changes = list(ticket_states(now, history[first:]))
    assert [entry for entry, _, _ in reversed(changes)] == history[first:]
    for entry, before, after in changes:
        assert without_version(after) == without_version(rebuild_ticket(history[: entry.seq]))
        earlier = rebuild_ticket(history[: entry.seq - 1]) if entry.seq > 1 else None
        assert without_version(before) == without_version(earlier)


TEAM = Actor("u_t1", "Timea", frozenset({"payment-team"}))
OPEN = a_ticket()
TAKEN = a_ticket(assignee=MARTON.id)
OUTAGE = a_ticket(service="acme/shop", requester=None)
ASSIGNED = (an_entry(kind=EntryKind.ASSIGNEE), OPEN, TAKEN)
TRANSFERRED = (
    an_entry(kind=EntryKind.ASSIGNEE_GROUP),
    OPEN,
    a_ticket(assignee_group="network-team"),
)
OPENED = (CREATED, None, OPEN)
REPORTED = (CREATED, None, OUTAGE)

CASES: list[tuple[dict[str, Any], Change, Actor, bool]] = [
    ({}, OPENED, ANNA, True),
    ({"status": ["OPEN"]}, OPENED, ANNA, True),
    ({"status": ["IN_PROGRESS"]}, OPENED, ANNA, False),
    ({"status": ["RESOLVED", "OPEN"]}, ASSIGNED, ANNA, True),
    ({"priority": ["HIGH"]}, OPENED, ANNA, True),
    ({"priority": ["LOW"]}, OPENED, ANNA, False),
    ({"workflow": ["incident_response"]}, OPENED, ANNA, True),
    ({"workflow": ["hotfix"]}, OPENED, ANNA, False),
    ({"assignee": MARTON.id}, ASSIGNED, ANNA, True),
    ({"unassigned": True}, ASSIGNED, ANNA, True),
    ({"unassigned": False}, ASSIGNED, ANNA, True),
    ({"assignee": ANNA.id}, ASSIGNED, ANNA, False),
    ({"assigned_to_me": True}, ASSIGNED, MARTON, True),
    ({"assigned_to_me": True}, ASSIGNED, ANNA, False),
    ({"assigned_to_me": True}, OPENED, MARTON, False),
    ({"opened_by_me": True}, OPENED, ANNA, True),
    ({"opened_by_me": True}, OPENED, MARTON, False),
    ({"requester": ANNA.id}, OPENED, MARTON, True),
    ({"requester": ANNA.id}, REPORTED, MARTON, False),
    ({"my_groups": True}, OPENED, TEAM, True),
    ({"my_groups": True}, OPENED, ANNA, False),
    ({"assignee_group": "payment-team"}, OPENED, ANNA, True),
    ({"assignee_group": "network-team"}, OPENED, ANNA, False),
    ({"assignee_group": "payment-team"}, TRANSFERRED, ANNA, True),
    ({"assignee_group": "network-team"}, TRANSFERRED, ANNA, True),
    ({"assignee_group": "storage-team"}, TRANSFERRED, ANNA, False),
    ({"my_groups": True}, TRANSFERRED, TEAM, True),
    ({"kinds": [EntryKind.ASSIGNEE_GROUP]}, TRANSFERRED, ANNA, True),
    ({"service": "acme/shop"}, REPORTED, ANNA, True),
    ({"service": "acme/shop"}, OPENED, ANNA, False),
    ({"kinds": [EntryKind.CREATED]}, OPENED, ANNA, True),
    ({"kinds": [EntryKind.STATUS]}, OPENED, ANNA, False),
    ({"kinds": [EntryKind.CREATED], "status": ["CLOSED"]}, OPENED, ANNA, False),
    ({"unassigned": True, "assignee": MARTON.id}, ASSIGNED, ANNA, False),
]


@pytest.mark.parametrize(("conditions", "change", "actor", "matches"), CASES)
def test_a_change_matches_if_the_ticket_does_before_or_after_it(
    conditions: dict[str, Any], change: Change, actor: Actor, *, matches: bool
) -> None:
    assert ChangeFilter.parse(**conditions).matches(*change, actor) is matches


@pytest.mark.parametrize("conditions", [{"status": []}, {"kinds": []}, {"priority": ["URGENT"]}])
def test_an_invalid_filter_is_refused(conditions: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        ChangeFilter.parse(**conditions)
