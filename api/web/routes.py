"""The routes of the web UI."""

from aiohttp import web

from api.http.stream_sessions import StreamSessions
from api.limits import StreamLimits
from api.web.assets import Assets
from api.web.live import LiveEvents
from api.web.pages import ContextFactory, Pages
from api.web.rendering import Renderer
from api.web.sessions import WebSessions
from api.web.views.sign_in.routes import sign_in_routes
from api.web.views.ticket.routes import ticket_routes
from api.web.views.tickets.routes import ticket_list_routes


def web_routes(
    create_context: ContextFactory,
    sessions: WebSessions,
    streams: StreamSessions,
    limits: StreamLimits,
) -> list[web.AbstractRouteDef]:
    """Return all routes of the web UI."""
    assets = Assets()
    pages = Pages(Renderer(assets), create_context, sessions.require_sign_in)
    return [
        assets.route,
        *sign_in_routes(pages, sessions),
        LiveEvents(pages, streams, limits).route,
        *ticket_list_routes(pages),
        *ticket_routes(pages),
    ]
