"""Resolvers: the list of tickets, filtered, ordered and in pages."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypedDict

from api.graphql.pagination import PageArguments, PageInfo, cursor_of, page_info, place_at, size_of
from api.graphql.registry import Resolvers
from api.json_encoding import snake_case
from api.runtime.request_context import RequestContext
from api.runtime.single_flight import SingleCall
from engine.storage.tickets.filters import conditions_of
from engine.storage.tickets.search import count_matching_tickets, find_tickets
from engine.tickets.search import Direction, Order, OrderField, PageRequest, TicketFilter
from engine.tickets.ticket import Ticket

resolvers: Final = Resolvers()


class TicketArguments(PageArguments, TypedDict, total=False):
    """The arguments of `Query.tickets`."""

    filter: Mapping[str, object] | None
    orderBy: Mapping[str, str] | None


@dataclass(frozen=True, slots=True)
class TicketConnection:
    """A page of tickets; the fields are those of `TicketConnection`."""

    nodes: list[Ticket]
    edges: list[dict[str, object]]
    page_info: PageInfo
    count: SingleCall[int] = field(repr=False)


@resolvers.field("Query.tickets")
async def tickets(
    _parent: object, arguments: TicketArguments, context: RequestContext, _info: object
) -> TicketConnection:
    """Return a page of the tickets that are looked for."""
    part = part_of(arguments, context.limits.page_tickets)
    conditions = conditions_of(filter_of(arguments), context.actor)
    page = await find_tickets(context.database, context.viewer, conditions, part)
    nodes = context.load_together(page.tickets)
    edges: list[dict[str, object]] = [
        {"cursor": cursor_of(node, part.order), "node": node} for node in nodes
    ]
    return TicketConnection(
        nodes=nodes,
        edges=edges,
        page_info=page_info(arguments, edges, has_more=page.has_more),
        count=SingleCall(
            lambda: count_matching_tickets(context.database, context.viewer, conditions)
        ),
    )


@resolvers.field("TicketConnection.totalCount")
async def total_count(
    connection: TicketConnection, _arguments: object, _context: RequestContext, _info: object
) -> int:
    """Return how many tickets there are on all pages: counted only if somebody asks."""
    return await connection.count()


def filter_of(arguments: TicketArguments) -> TicketFilter:
    """Return the filter that a client filled in.

    Raises:
        InvalidInput: a value can't be one; every complaint is listed.

    """
    given = arguments.get("filter") or {}
    return TicketFilter.parse(**{snake_case(name): value for name, value in given.items()})


def order_of(arguments: TicketArguments) -> Order:
    """Return the order that a client asks for; newest first if none."""
    given = arguments.get("orderBy")
    return Order(OrderField(given["field"]), Direction(given["direction"])) if given else Order()


def part_of(arguments: TicketArguments, most: int) -> PageRequest:
    """Return the part of the list that a client asks for; `most` tickets at once.

    Raises:
        InvalidInput: its size or its cursors are none.
        LimitExceeded: it is too large.

    """
    order = order_of(arguments)
    after, before = arguments.get("after"), arguments.get("before")
    return PageRequest(
        size=size_of(arguments, "page_tickets", most),
        order=order,
        after=None if after is None else place_at(after, order),
        before=None if before is None else place_at(before, order),
        from_end=arguments.get("last") is not None,
    )
