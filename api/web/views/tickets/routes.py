"""The routes of the list of tickets."""

from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Final

from aiohttp import web

from api.http.access import ProtectedRoute
from api.pagination import parse_ticket_cursor, ticket_cursor
from api.runtime.request_context import RequestContext
from api.web.pages import Pages, is_fragment, see_other
from api.web.ticket_query import canonical_query, parse_filter, ticket_reference
from api.web.views.tickets.csv_routes import TicketsAsCsv
from api.web.views.tickets.rows import read_rows
from api.web.views.tickets.view import (
    BUILT_IN_VIEWS,
    COUNTS_PATH,
    MOST_COUNTED,
    PATH,
    ListOrder,
    TicketList,
    conditions_in,
    order_named,
    path_of,
    view_links,
)
from engine.errors import InvalidInput, NotFound
from engine.plugins import Plugin
from engine.storage.tickets.filters import conditions_of
from engine.storage.tickets.reader import find_only_id, read_ticket
from engine.storage.tickets.search import Page, count_up_to, find_tickets
from engine.storage.user_settings import read_views
from engine.tickets.search import PageRequest

PAGE_TICKETS: Final = 50
_TEMPLATE: Final = "views/tickets/page.html"
_VIEWS_TEMPLATE: Final = "views/tickets/views.html"
_ROW_TEMPLATE: Final = "views/tickets/row.html"


def ticket_list_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    lists = _TicketLists(pages)
    return [
        pages.get(PATH, lists.show),
        pages.get(COUNTS_PATH, lists.show_counts),
        pages.get(f"{PATH}/{{id}}/row", lists.show_row),
        TicketsAsCsv(pages).route,
    ]


@dataclass(frozen=True, slots=True)
class _TicketLists:
    pages: Pages

    async def show(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show a page of the tickets that match the conditions of the URL."""
        context.plugins.require(Plugin.TICKETING)
        sent = tuple(request.query.items())
        if ticket := await _only_ticket(request.query.get("text", ""), context):
            return see_other(f"{PATH}/{ticket}")
        if (query := canonical_query(sent)) != sent:
            return see_other(path_of(query))
        conditions = conditions_in(query)
        order = order_named(request.query.get("order", ""))
        workflows = _active_workflows(context)
        try:
            wanted = parse_filter(conditions)
            page_request = _page_request(request, order)
        except InvalidInput as error:
            page = TicketList(conditions, order, workflows, problem=error.message)
            return await self._render(request, context, page, HTTPStatus.BAD_REQUEST)
        position = await context.changes.end()  # first, so that no change is missed
        found = await find_tickets(
            context.databases.reads,
            context.viewer,
            conditions_of(wanted, context.actor),
            page_request,
        )
        if _begins_early(found, page_request):
            return see_other(path_of(conditions, order=order.name))
        rows = await read_rows(context.databases.reads, found.tickets)
        previous, following = _neighbours(found, page_request)
        page = TicketList(conditions, order, workflows, rows, previous, following, str(position))
        return await self._render(request, context, page)

    async def show_counts(self, request: web.Request, context: RequestContext) -> web.Response:
        """Answer with the links to the views and the numbers of their tickets."""
        context.plugins.require(Plugin.TICKETING)
        conditions = conditions_in(tuple(request.query.items()))
        order = order_named(request.query.get("order", "")).name
        if not is_fragment(request):
            return see_other(path_of(conditions, order=order))
        counts = {
            label: await count_up_to(
                context.databases.reads,
                context.viewer,
                conditions_of(parse_filter(query), context.actor),
                MOST_COUNTED + 1,
            )
            for label, query in BUILT_IN_VIEWS
            if query
        }
        saved = await read_views(context.databases.reads, context.actor.id)
        values = {"views": view_links(conditions, order, saved, counts), "counts_path": ""}
        return self.pages.render(request, context, _VIEWS_TEMPLATE, values)

    async def show_row(self, request: web.Request, context: RequestContext) -> web.Response:
        """Answer with the row of a ticket, which replaces an older one on an open page."""
        context.plugins.require(Plugin.TICKETING)
        ticket_id = request.match_info["id"]
        if not is_fragment(request):
            return see_other(f"{PATH}/{ticket_id}")
        try:
            ticket = await read_ticket(context.databases.reads, context.viewer, ticket_id)
        except NotFound:
            return web.Response(status=HTTPStatus.NO_CONTENT)  # the row stays as it is
        [row] = await read_rows(context.databases.reads, (ticket,), changed=True)
        return self.pages.render(request, context, _ROW_TEMPLATE, {"row": row})

    async def _render(
        self, request: web.Request, context: RequestContext, page: TicketList, status: int = 200
    ) -> web.Response:
        if not is_fragment(request):  # a script replaces only the list
            views = await read_views(context.databases.reads, context.actor.id)
            page = replace(page, saved_views=views)
        return self.pages.render(request, context, _TEMPLATE, {"page": page}, status)


async def _only_ticket(text: str, context: RequestContext) -> str | None:
    """Return the ticket that a text refers to by id, beginning or link; None if not exactly one."""
    reference = ticket_reference(text)
    if reference is None:
        return None
    return await find_only_id(context.databases.reads, context.viewer, reference)


def _active_workflows(context: RequestContext) -> dict[str, str]:
    known = context.workflows.registry.workflows.values()
    return {each.name: each.display_name for each in known if not each.retired}


def _page_request(request: web.Request, order: ListOrder) -> PageRequest:
    after, before = request.query.get("after"), request.query.get("before")
    return PageRequest(
        PAGE_TICKETS,
        order.order,
        after=None if after is None else parse_ticket_cursor(after, order.order),
        before=None if before is None else parse_ticket_cursor(before, order.order),
        from_end=before is not None,
    )


def _begins_early(found: Page, request: PageRequest) -> bool:
    """Return whether a page with a cursor is empty, or has the first tickets but is not full."""
    if not found.tickets:
        return request.after is not None or request.before is not None
    return request.from_end and not found.has_more and len(found.tickets) < request.size


def _neighbours(found: Page, request: PageRequest) -> tuple[str | None, str | None]:
    """Return the cursors of the previous and the next page; None at the ends."""
    if not found.tickets:
        return None, None
    has_previous = found.has_more if request.from_end else request.after is not None
    has_next = request.from_end or found.has_more
    first, last = found.cursors[0], found.cursors[-1]
    return (
        ticket_cursor(first, request.order) if has_previous else None,
        ticket_cursor(last, request.order) if has_next else None,
    )
