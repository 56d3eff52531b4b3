"""The routes of the workflows."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from aiohttp import web

from api.http.access import ProtectedRoute
from api.runtime.request_context import RequestContext
from api.web.pages import Pages
from api.web.views.workflows.view import WorkflowView, revision_view
from engine.storage.resources.revisions import read_revisions
from engine.storage.resources.ticket_counts import count_live_tickets
from engine.vocabulary import Status

_PATH: Final = "/workflows"
_LIST_TEMPLATE: Final = "views/workflows/list.html"
_TEMPLATE: Final = "views/workflows/page.html"


def workflow_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    handlers = _WorkflowHandlers(pages)
    return [
        pages.get(_PATH, handlers.show_all),
        pages.get(f"{_PATH}/{{name}}", handlers.show),
    ]


@dataclass(frozen=True, slots=True)
class _WorkflowHandlers:
    pages: Pages

    async def show_all(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show all workflows, the active ones first."""
        known = sorted(
            context.workflows.registry.workflows.values(),
            key=lambda each: (each.retired, each.display_name.casefold()),
        )
        workflows = [WorkflowView(each) for each in known]
        return self.pages.render(request, context, _LIST_TEMPLATE, {"workflows": workflows})

    async def show(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show a workflow with its revisions, and where its live tickets are."""
        workflow = await context.workflows.named(request.match_info["name"])
        tickets = None
        if context.viewer.sees_all:
            counts = await count_live_tickets(context.databases.reads)
            tickets = {status: counts.get((workflow.name, status), 0) for status in Status}
        stored = await read_revisions(context.databases.reads, workflow.name)
        revisions = [
            revision_view(each, workflow, before)
            for each, before in pairwise([*stored, None])
            if each is not None
        ]
        page = WorkflowView(workflow, tickets, revisions)
        return self.pages.render(request, context, _TEMPLATE, {"page": page})
