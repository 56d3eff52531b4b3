"""The routes of the list of tickets."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from api.http.access import ProtectedRoute
from api.runtime.request_context import RequestContext
from api.web.pages import Pages
from api.web.views.tickets.view import (
    PATH,
    TicketList,
    build_rows,
    conditions_in,
    order_named,
    parse_filter,
)
from engine.errors import InvalidInput
from engine.plugins import Plugin
from engine.storage.tickets.filters import conditions_of
from engine.storage.tickets.search import find_tickets
from engine.tickets.search import PageRequest

_PAGE_TICKETS: Final = 50
_TEMPLATE: Final = "views/tickets/page.html"


def ticket_list_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    return [pages.get(PATH, _TicketLists(pages).show)]


@dataclass(frozen=True, slots=True)
class _TicketLists:
    pages: Pages

    async def show(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show a page of the tickets that match the conditions of the URL."""
        context.plugins.require(Plugin.TICKETING)
        conditions = conditions_in(tuple(request.query.items()))
        order = order_named(request.query.get("order", ""))
        try:
            traits = parse_filter(conditions)
        except InvalidInput as error:
            page = TicketList(conditions, order, problem=error.message)
            return self._render(request, context, page, HTTPStatus.BAD_REQUEST)
        found = await find_tickets(
            context.databases.reads,
            context.viewer,
            conditions_of(traits, context.actor),
            PageRequest(_PAGE_TICKETS, order.order),
        )
        tickets = context.load_together(found.tickets)
        if not tickets:
            return self._render(request, context, TicketList(conditions, order))
        loader = context.loader_of(tickets[0])
        names, timers = await loader.involved_names(), await loader.timers()
        rows = build_rows(tickets, names, timers, await loader.now())
        return self._render(request, context, TicketList(conditions, order, rows))

    def _render(
        self, request: web.Request, context: RequestContext, page: TicketList, status: int = 200
    ) -> web.Response:
        return self.pages.render(request, context, _TEMPLATE, {"page": page}, status)
