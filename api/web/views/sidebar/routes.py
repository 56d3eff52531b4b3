"""The routes of the sidebar."""

from dataclasses import dataclass
from typing import Final

from aiohttp import web

from api.http.access import ProtectedRoute
from api.runtime.request_context import RequestContext
from api.web.forms import read_form
from api.web.pages import Pages, is_fragment, see_other
from api.web.return_path import HOME
from engine.plugins import Plugin

_TEMPLATE: Final = "templates/sidebar.html"


def sidebar_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    handlers = _Sidebar(pages)
    return [
        pages.get("/sidebar", handlers.show),
        pages.post("/plugins/{name}", handlers.toggle),
    ]


@dataclass(frozen=True, slots=True)
class _Sidebar:
    pages: Pages

    async def show(self, request: web.Request, context: RequestContext) -> web.Response:
        """Answer with the sidebar, which replaces that of an open page."""
        if not is_fragment(request):
            return see_other(HOME)
        values = {"active": request.query.get("section", "")}
        return self.pages.render(request, context, _TEMPLATE, values)

    async def toggle(self, request: web.Request, context: RequestContext) -> web.Response:
        """Switch a plugin on or off for all users."""
        plugin = Plugin.named(request.match_info["name"])
        fields = await read_form(request)
        await context.plugins.toggle(context.actor, plugin, enabled=fields.get("enabled") == "true")
        return see_other(HOME)
