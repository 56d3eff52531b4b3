"""`GET /api/v1/tickets`: the pages of tickets that the GraphQL field `tickets` returns."""

from typing import Annotated, Final

from aiohttp import web
from pydantic import Field
from pydantic.alias_generators import to_camel

from api.pagination import PageArguments, page_info, ticket_cursor, ticket_page
from api.rest.models import RequestModel, ResponseModel, validated
from api.rest.query_parameters import (
    Parser,
    parse_number,
    parse_switch,
    parse_text,
    parse_time,
    read_parameters,
)
from api.rest.ticket_models import TicketResponse
from api.runtime.request_context import RequestContext
from engine.errors import LimitExceeded
from engine.storage.tickets.filters import conditions_of
from engine.storage.tickets.search import count_matching_tickets, find_tickets
from engine.tickets.search import NEWEST_FIRST, Direction, Order, OrderField, TicketFilter

_PAGE_POINTS: Final = 7
_TICKET_POINTS: Final = 44
_COUNT_POINTS: Final = 500
"""The cost of a page, of each ticket on it and of their number: what GraphQL charges for them."""


class TicketsQuery(RequestModel, TicketFilter):
    """The query parameters: a filter, an order and a page."""

    order_by: OrderField = NEWEST_FIRST.field
    """The value to order by."""
    direction: Direction = NEWEST_FIRST.direction
    """The direction of the order."""
    first: int | None = None
    """The number of tickets from the start."""
    after: str | None = None
    """Only tickets after this cursor."""
    last: int | None = None
    """The number of tickets from the end."""
    before: str | None = None
    """Only tickets before this cursor."""
    total_count: bool = False
    """Whether to count the tickets on all pages."""


class PageInfoResponse(ResponseModel):
    """The ends of a page, and whether there are more pages."""

    has_next_page: bool
    """Whether there are tickets after this page, as far as the parameters show."""
    has_previous_page: bool
    """Whether there are tickets before this page, as far as the parameters show."""
    start_cursor: str | None
    """The cursor of the first ticket, for `before`; null on an empty page."""
    end_cursor: str | None
    """The cursor of the last ticket, for `after`; null on an empty page."""


class TicketListResponse(ResponseModel):
    """A page of tickets."""

    tickets: tuple[TicketResponse, ...]
    """The tickets, in the requested order."""
    page_info: PageInfoResponse
    """The ends of the page."""
    total_count: Annotated[int, Field(ge=0)] | None
    """The number of tickets on all pages; null unless the request has `totalCount=true`."""


_LISTS: Final = frozenset({"status", "priority", "workflow"})
_PARSERS: Final[dict[str, Parser]] = {
    **{to_camel(name): parse_text for name in TicketsQuery.model_fields},
    **dict.fromkeys(("createdSince", "createdBefore", "updatedSince", "updatedBefore"), parse_time),
    **dict.fromkeys(("unassigned", "assignedToMe", "openedByMe", "myGroups"), parse_switch),
    **dict.fromkeys(("breached", "movableByMe", "totalCount"), parse_switch),
    **dict.fromkeys(("first", "last"), parse_number),
}


def read_query(request: web.Request) -> TicketsQuery:
    """Return the query parameters of a request for a list of tickets.

    Raises:
        InvalidInput: a parameter is unknown, repeated or invalid.

    """
    return validated(TicketsQuery, read_parameters(request, _PARSERS, _LISTS))


async def list_tickets(query: TicketsQuery, context: RequestContext) -> TicketListResponse:
    """Return a page of the tickets that the viewer can read.

    Raises:
        InvalidInput: a parameter of the page is invalid.
        LimitExceeded: the page is too large, or costs too much.

    """
    order = Order(query.order_by, query.direction)
    arguments = PageArguments(
        first=query.first, after=query.after, last=query.last, before=query.before
    )
    request = ticket_page(arguments, order, context.limits.page_tickets)
    _check_cost(request.size, context.limits.cost_points, counts=query.total_count)
    conditions = conditions_of(query, context.actor)
    reads = context.databases.reads
    page = await find_tickets(reads, context.viewer, conditions, request)
    count = (
        await count_matching_tickets(reads, context.viewer, conditions)
        if query.total_count
        else None
    )
    cursors = [ticket_cursor(cursor, order) for cursor in page.cursors]
    return TicketListResponse(
        tickets=tuple(map(TicketResponse.model_validate, page.tickets)),
        page_info=PageInfoResponse.model_validate(
            page_info(arguments, cursors, has_more=page.has_more)
        ),
        total_count=count,
    )


def _check_cost(size: int, bound: int, *, counts: bool) -> None:
    points = _PAGE_POINTS + size * _TICKET_POINTS + (_COUNT_POINTS if counts else 0)
    if points > bound:
        message = f"{points:,} cost points are more than the {bound:,} allowed. Request less."
        raise LimitExceeded(message, limit="cost_points", bound=bound, found=points)
