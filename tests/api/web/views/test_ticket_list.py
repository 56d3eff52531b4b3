"""The conditions of a URL, and the view model of the list of tickets."""

import pytest

from api.web.ticket_query import Query, parse_filter
from api.web.views.tickets.view import (
    BUILT_IN_VIEWS,
    TicketList,
    conditions_in,
    order_named,
    path_of,
    shorten_id,
)


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


def test_neighbouring_pages_keep_the_filter_and_the_order() -> None:
    query = (("text", "vpn"),)
    page = TicketList(
        query, order_named("oldest"), previous_cursor="a=", next_cursor="b", position="7-0"
    )
    assert page.previous_path == "/tickets?text=vpn&order=oldest&before=a%3D"
    assert page.next_path == "/tickets?text=vpn&order=oldest&after=b"
    assert page.first_path == "/tickets?text=vpn&order=oldest"
    assert page.events_path == "/events?text=vpn&position=7-0"
    only = TicketList(query, order_named(""))
    assert (only.previous_path, only.next_path) == (None, None)


@pytest.mark.parametrize(
    ("query", "conditions", "opens_form", "has_rare"),
    [
        ((), 0, False, False),
        ((("text", "vpn"),), 0, False, False),
        ((("status", "OPEN"), ("status", "CLOSED"), ("service", "a/b")), 2, True, True),
        ((("openedByMe", "true"),), 1, True, False),
    ],
)
def test_the_form_is_open_if_its_conditions_exclude_all_tickets(
    query: Query, conditions: int, *, opens_form: bool, has_rare: bool
) -> None:
    page = TicketList(query, order_named(""))
    assert (page.conditions, page.opens_form, page.has_rare) == (conditions, opens_form, has_rare)


def test_a_time_that_is_no_date_has_a_text_field() -> None:
    page = TicketList((("createdSince", "2026-01-02T03:04:05Z"),), order_named(""))
    assert page.kind_of_time("createdSince") == "text"
    assert page.kind_of_time("createdBefore") == "date"


def test_short_ids_are_marked_as_incomplete() -> None:
    assert shorten_id("tk_0123456789abcdef") == "tk_01234567…"
    assert shorten_id("tk_4f8e29") == "tk_4f8e29"
