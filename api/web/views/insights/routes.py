"""The routes of the insights."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from aiohttp import hdrs, web

from api.http.access import ProtectedRoute
from api.runtime.request_context import RequestContext
from api.web.csv_text import BYTE_ORDER_MARK, csv_text
from api.web.pages import Pages
from api.web.views.insights.view import InsightFacts, InsightsPage, insight_tables, period_in
from engine.errors import NotFound
from engine.permissions import require_all_tickets
from engine.storage.insights.refused_transitions import read_refusals
from engine.storage.insights.sla_compliance import read_sla_compliance
from engine.storage.insights.transitions import read_transition_insights

_PATH: Final = "/insights"
_TEMPLATE: Final = "views/insights/page.html"
_ACTION: Final = "see insights"


def insight_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    handlers = _InsightHandlers(pages)
    return [
        pages.get(_PATH, handlers.show),
        pages.get(f"{_PATH}/{{name}}.csv", handlers.download),
    ]


@dataclass(frozen=True, slots=True)
class _InsightHandlers:
    pages: Pages

    async def show(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show all tables of a period."""
        page = await _read_page(request, context)
        return self.pages.render(request, context, _TEMPLATE, {"page": page})

    async def download(self, request: web.Request, context: RequestContext) -> web.Response:
        """Answer with one table as CSV."""
        page, name = await _read_page(request, context), request.match_info["name"]
        table = next((each for each in page.tables if each.name == name), None)
        if table is None:
            raise NotFound(f"There is no table {name!r}.")
        text = BYTE_ORDER_MARK + csv_text([table.columns, *(row.cells for row in table.rows)])
        disposition = f'attachment; filename="{table.name}.csv"'
        headers = {hdrs.CONTENT_DISPOSITION: disposition}
        return web.Response(text=text, content_type="text/csv", charset="utf-8", headers=headers)


async def _read_page(request: web.Request, context: RequestContext) -> InsightsPage:
    """Return the page for the period of the URL.

    Raises:
        Forbidden: the viewer cannot read every ticket.
        InvalidInput: there is no such period.

    """
    require_all_tickets(context.viewer, _ACTION)
    days = period_in(request.query.get("days"))
    period, database = timedelta(days=days), context.databases.reads
    facts = InsightFacts(
        await read_transition_insights(database, period),
        await read_sla_compliance(database, period),
        await read_refusals(database, period),
        tuple(context.workflows.registry.workflows.values()),
    )
    return InsightsPage(days, insight_tables(days, facts), facts.transitions.read_since)
