"""Resolvers of the list of tickets."""

from collections.abc import Mapping
from typing import Final, TypedDict

from api.graphql.pagination import (
    PageArguments,
    connection,
    page_size,
    parse_ticket_cursor,
    ticket_cursor,
)
from api.graphql.registry import Resolvers
from api.json_encoding import snake_case
from api.runtime.request_context import RequestContext
from api.runtime.single_flight import SingleCall
from engine.storage.tickets.filters import conditions_of
from engine.storage.tickets.search import count_matching_tickets, find_tickets
from engine.tickets.search import Direction, Order, OrderField, PageRequest, TicketFilter

resolvers: Final = Resolvers()


class _TicketsArguments(PageArguments, TypedDict, total=False):
    filter: Mapping[str, object] | None
    orderBy: Mapping[str, str] | None


@resolvers.field("Query.tickets")
async def tickets(
    _parent: object, arguments: _TicketsArguments, context: RequestContext, _info: object
) -> Mapping[str, object]:
    """Return a page of the tickets that match a filter.

    Raises:
        InvalidInput: an argument is invalid.
        LimitExceeded: the page is too large.

    """
    request = _page_request(arguments, context.limits.page_tickets)
    fields = {snake_case(name): value for name, value in (arguments.get("filter") or {}).items()}
    conditions = conditions_of(TicketFilter.parse(**fields), context.actor)
    page = await find_tickets(context.databases.reads, context.viewer, conditions, request)
    edges: list[dict[str, object]] = [
        {"cursor": ticket_cursor(node, request.order), "node": node}
        for node in context.load_together(page.tickets)
    ]
    count = SingleCall(
        lambda: count_matching_tickets(context.databases.reads, context.viewer, conditions)
    )
    return {**connection(arguments, edges, has_more=page.has_more), "count": count}


def _page_request(arguments: _TicketsArguments, bound: int) -> PageRequest:
    order_by = arguments.get("orderBy")
    order = Order()
    if order_by:
        order = Order(OrderField(order_by["field"]), Direction(order_by["direction"]))
    after, before = arguments.get("after"), arguments.get("before")
    return PageRequest(
        size=page_size(arguments, "page_tickets", bound),
        order=order,
        after=None if after is None else parse_ticket_cursor(after, order),
        before=None if before is None else parse_ticket_cursor(before, order),
        from_end=arguments.get("last") is not None,
    )


@resolvers.field("TicketConnection.totalCount")
async def total_count(
    page: Mapping[str, SingleCall[int]], _arguments: object, _context: object, _info: object
) -> int:
    """Return the number of tickets on all pages; counted only if this field is selected."""
    return await page["count"]()
