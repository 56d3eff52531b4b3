"""Resolvers of the list of tickets."""

from collections.abc import Mapping
from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.json_encoding import snake_case
from api.pagination import (
    PageArguments,
    connection,
    ticket_cursor,
    ticket_page,
)
from api.runtime.request_context import RequestContext
from api.runtime.single_flight import SingleCall
from engine.storage.tickets.filters import conditions_of
from engine.storage.tickets.search import count_matching_tickets, find_tickets
from engine.tickets.search import NEWEST_FIRST, Direction, Order, OrderField, TicketFilter

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
    order_by = arguments.get("orderBy")
    order = (
        Order(OrderField(order_by["field"]), Direction(order_by["direction"]))
        if order_by
        else NEWEST_FIRST
    )
    request = ticket_page(arguments, order, context.limits.page_tickets)
    fields = {snake_case(name): value for name, value in (arguments.get("filter") or {}).items()}
    conditions = conditions_of(TicketFilter.parse(**fields), context.actor)
    page = await find_tickets(context.databases.reads, context.viewer, conditions, request)
    edges: list[dict[str, object]] = [
        {"cursor": ticket_cursor(cursor, order), "node": node}
        for node, cursor in zip(context.load_together(page.tickets), page.cursors, strict=True)
    ]
    count = SingleCall(
        lambda: count_matching_tickets(context.databases.reads, context.viewer, conditions)
    )
    return {**connection(arguments, edges, has_more=page.has_more), "count": count}


@resolvers.field("TicketConnection.totalCount")
async def total_count(
    page: Mapping[str, SingleCall[int]], _arguments: object, _context: object, _info: object
) -> int:
    """Return the number of tickets on all pages; counted only if this field is selected."""
    return await page["count"]()
