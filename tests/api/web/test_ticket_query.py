"""The filter of a list in the query of a URL, and ids and links in its search."""

from datetime import UTC, datetime
from typing import Final

import pytest

from api.web.ticket_query import Query, canonical_query, parse_filter, ticket_reference
from engine.errors import InvalidInput
from engine.tickets.search import TicketFilter
from engine.vocabulary import Status

FILTERS: Final[dict[Query, TicketFilter]] = {
    (): TicketFilter(),
    (("status", "OPEN"), ("status", "CLOSED")): TicketFilter(status=(Status.OPEN, Status.CLOSED)),
    (("workflow", "a"),): TicketFilter(workflow=("a",)),
    (("assignedToMe", "true"), ("text", " printer ")): TicketFilter(
        assigned_to_me=True, text="printer"
    ),
    (("breached", "false"),): TicketFilter(breached=False),
    (("dueWithin", "1h30m"),): TicketFilter.parse(due_within="PT1H30M"),
    (("createdSince", "2026-11-30"),): TicketFilter(
        created_since=datetime(2026, 11, 30, tzinfo=UTC)
    ),
    (("updatedBefore", "2026-11-30T01:00+01:00"),): TicketFilter(
        updated_before=datetime(2026, 11, 30, tzinfo=UTC)
    ),
}


@pytest.mark.parametrize(("conditions", "expected"), FILTERS.items())
def test_a_url_is_a_filter(conditions: Query, expected: TicketFilter) -> None:
    assert parse_filter(conditions) == expected


@pytest.mark.parametrize(
    "conditions",
    [
        (("status", "open"),),
        (("colour", "red"),),
        (("createdSince", "soon"),),
        (("createdSince", "2026-02-30"),),
        (("createdSince", "2026-11-30T01:00"),),
    ],
)
def test_an_invalid_condition_is_refused(conditions: Query) -> None:
    with pytest.raises(InvalidInput):
        parse_filter(conditions)


REFERENCES: Final = {
    "tk_4f8e29": "tk_4f8e29",
    " TK_4F ": "tk_4f",
    "tk_4f8e29…": "tk_4f8e29",
    "#tk_4f8e29": "tk_4f8e29",
    "https://desk.example/tickets/tk_4f8e29": "tk_4f8e29",
    "http://desk.example/tickets/tk_4f8e29?done=comment#entry-3": "tk_4f8e29",
    "https://desk.example/tickets/tk_4f8e29/row": "tk_4f8e29",
    "tk_": None,
    "tk_4f8e29 printer": None,
    "see tk_4f8e29": None,
    "javascript:/tickets/tk_4f8e29": None,
    "https://desk.example/workflows/tk_4f8e29": None,
    "": None,
}


@pytest.mark.parametrize(("text", "expected"), REFERENCES.items())
def test_an_id_its_beginning_or_a_link_refers_to_a_ticket(text: str, expected: str | None) -> None:
    assert ticket_reference(text) == expected


def test_the_url_of_a_form_is_made_canonical() -> None:
    sent = (
        ("text", "https://x/tickets/tk_4f"),
        ("assignee", ""),
        ("order", ""),
        ("status", "OPEN"),
    )
    assert canonical_query(sent) == (("text", "tk_4f"), ("status", "OPEN"))
    assert canonical_query((("text", "a  b"), ("assignee", "tk_4f…"))) == (
        ("text", "a  b"),
        ("assignee", "tk_4f…"),
    )
