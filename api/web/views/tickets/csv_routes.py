"""`GET /tickets.csv`: all tickets of a list, page by page, so that the memory is constant."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final

from aiohttp import hdrs, web

from api.http.access import ProtectedRoute
from api.http.app_keys import ACTOR, RATE_LIMITER, VIEWER
from api.limits import EXPORT_SECONDS_MAX
from api.web.pages import Pages
from api.web.ticket_query import canonical_query, parse_filter
from api.web.views.tickets.csv_lines import csv_lines, header
from api.web.views.tickets.rows import read_rows
from api.web.views.tickets.view import CSV_PATH, conditions_in, order_named
from engine.plugins import Plugin
from engine.storage.tickets.filters import conditions_of
from engine.storage.tickets.search import find_tickets
from engine.tickets.search import PageRequest, TicketFilter

PAGE_TICKETS: Final = 200
_HEADERS: Final = {
    hdrs.CONTENT_TYPE: "text/csv; charset=utf-8",
    hdrs.CONTENT_DISPOSITION: 'attachment; filename="tickets.csv"',
}


@dataclass(frozen=True, slots=True)
class TicketsAsCsv:
    """Answers with the tickets that the viewer can read, in the order of the list."""

    pages: Pages

    @property
    def route(self) -> ProtectedRoute:
        """The route."""
        return ProtectedRoute(
            self.pages.access,
            web.get(CSV_PATH, self._answer, allow_head=False),
            self.pages.error,
            EXPORT_SECONDS_MAX,
        )

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        context = await self.pages.create_context(request[ACTOR])
        context.plugins.require(Plugin.TICKETING)
        query = canonical_query(tuple(request.query.items()))
        wanted = parse_filter(conditions_in(query))
        page_request = PageRequest(PAGE_TICKETS, order_named(dict(query).get("order", "")).order)
        response = web.StreamResponse(headers=_HEADERS)
        async with aclosing(self._parts(request, wanted, page_request)) as parts:
            first = await anext(parts)  # an error of the first page is an answer of its own
            await response.prepare(request)
            await response.write(f"{header()}{first}".encode())
            async for part in parts:
                await response.write(part.encode())
                await request.app[RATE_LIMITER].wait(request[VIEWER])
            await response.write_eof()
        return response

    async def _parts(
        self, request: web.Request, wanted: TicketFilter, page_request: PageRequest
    ) -> AsyncGenerator[str, None]:
        """Yield the lines of each page, with what the viewer can read when it is read."""
        while True:
            context = await self.pages.create_context(request[ACTOR])
            found = await find_tickets(
                context.databases.reads,
                context.viewer,
                conditions_of(wanted, context.actor),
                page_request,
            )
            yield csv_lines(await read_rows(context.databases.reads, found.tickets))
            if not found.has_more:
                return
            page_request = replace(page_request, after=found.cursors[-1])
