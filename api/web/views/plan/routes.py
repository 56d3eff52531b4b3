"""The routes of the dry run."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from api.http.access import ProtectedRoute
from api.runtime.request_context import RequestContext
from api.web.forms import read_form
from api.web.pages import Pages
from api.web.views.plan.view import PlanPage, finding_views, plan_view
from engine.errors import InvalidDeclaration, InvalidInput
from engine.permissions import require_admin
from engine.storage.resources.ticket_counts import count_live_tickets
from reconciler.dry_run import dry_run

_PATH: Final = "/plan"
_TEMPLATE: Final = "views/plan/page.html"


def plan_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    handlers = _PlanHandlers(pages)
    return [pages.get(_PATH, handlers.show_form), pages.post(_PATH, handlers.show_plan)]


@dataclass(frozen=True, slots=True)
class _PlanHandlers:
    pages: Pages

    async def show_form(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show the form."""
        require_admin(context.actor, "see a plan")
        return self.pages.render(request, context, _TEMPLATE, {"page": PlanPage()})

    async def show_plan(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show what the values would change.

        The answer is the page itself and not a redirect to one: a dry run changes nothing, so it
        does no harm if the browser sends the form again.
        """
        require_admin(context.actor, "see a plan")
        page = await _make_page(context, await read_form(request))
        return self.pages.render(request, context, _TEMPLATE, {"page": page})


async def _make_page(context: RequestContext, fields: dict[str, str]) -> PlanPage:
    """Return the page for a form; a file comes before the text."""
    values, key = fields.get("file") or fields.get("values", ""), fields.get("key", "").strip()
    try:
        plan = await dry_run(context.databases.administration, context.actor, values, key)
    except InvalidDeclaration as error:
        return PlanPage(values, key, findings=finding_views(error.findings, values))
    except InvalidInput as error:
        return PlanPage(values, key, problem=error.message)
    tickets = await count_live_tickets(context.databases.reads)
    return PlanPage(values, key, plan=plan_view(plan, tickets))
