"""The routes of the web UI."""

from aiohttp import web

from api.http.access import require_user
from api.web.assets import Assets
from api.web.pages import ContextFactory, Pages
from api.web.rendering import Renderer
from api.web.views.tickets.routes import ticket_list_routes


def web_routes(create_context: ContextFactory) -> list[web.AbstractRouteDef]:
    """Return all routes of the web UI."""
    assets = Assets()
    pages = Pages(Renderer(assets), create_context, require_user)
    return [assets.route, *ticket_list_routes(pages)]
