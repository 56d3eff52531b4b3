"""The conditions of a URL, and the view model of the list of tickets."""

import pytest

from api.web.views.tickets.view import (
    BUILT_IN_VIEWS,
    Query,
    TicketList,
    conditions_in,
    order_named,
    parse_filter,
    path_of,
)
from engine.errors import InvalidInput
from engine.tickets.search import TicketFilter
from engine.vocabulary import Status

FILTERS: dict[Query, TicketFilter] = {
    (): TicketFilter(),
    (("status", "OPEN"), ("status", "CLOSED")): TicketFilter(status=(Status.OPEN, Status.CLOSED)),
    (("assignedToMe", "true"), ("text", " printer ")): TicketFilter(
        assigned_to_me=True, text="printer"
    ),
    (("breached", "false"),): TicketFilter(breached=False),
    (("dueWithin", "1h30m"),): TicketFilter.parse(due_within="PT1H30M"),
}


@pytest.mark.parametrize(("conditions", "expected"), FILTERS.items())
def test_a_url_is_a_filter(conditions: Query, expected: TicketFilter) -> None:
    assert parse_filter(conditions) == expected


@pytest.mark.parametrize(
    "conditions", [(("status", "open"),), (("colour", "red"),), (("createdSince", "soon"),)]
)
def test_an_invalid_condition_is_refused(conditions: Query) -> None:
    with pytest.raises(InvalidInput):
        parse_filter(conditions)


def test_empty_fields_of_the_form_set_no_condition() -> None:
    query = (("text", ""), ("order", "oldest"), ("status", "OPEN"), ("after", "x"))
    assert conditions_in(query) == (("status", "OPEN"),)


@pytest.mark.parametrize("query", dict(BUILT_IN_VIEWS).values())
def test_built_in_views_are_valid(query: Query) -> None:
    parse_filter(query)


def test_the_page_is_named_after_its_view() -> None:
    mine = dict(BUILT_IN_VIEWS)["Assigned to me"]
    page = TicketList(tuple(reversed(mine)), order_named("oldest"))
    assert page.heading == "Assigned to me"
    assert [each.label for each in page.views if each.active] == ["Assigned to me"]
    assert TicketList((("text", "x"),), order_named("")).heading == "Tickets"


def test_values_are_escaped_in_paths() -> None:
    assert path_of((("text", "a&b=c"),), after="x") == "/tickets?text=a%26b%3Dc&after=x"
    assert path_of(()) == "/tickets"
