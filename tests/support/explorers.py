"""The explorer, for servers without the rest of the web UI."""

from aiohttp import web

from api.http.access import ProtectedRoute
from api.web.explorer.routes import Explorer
from api.web.rendering import load_renderer
from engine.storage.web_sessions import WebSession

_RENDERER = load_renderer()


def new_explorer(session: WebSession | None = None) -> Explorer:
    """Return the explorer for browsers that have this session."""

    async def find_session(_request: web.Request) -> WebSession | None:
        return session

    return Explorer(_RENDERER, find_session)


def file_routes(explorer: Explorer) -> list[ProtectedRoute]:
    """Return the routes of the files of its page."""
    return [explorer.route, _RENDERER.assets.route]
