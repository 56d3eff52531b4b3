"""The routes of the web UI."""

from aiohttp import web

from api.http.event_stream import EventStreams
from api.http.stream_sessions import StreamSessions
from api.limits import StreamLimits
from api.runtime.request_context import RequestContext
from api.web.live import LiveEvents
from api.web.pages import ContextFactory, Pages, see_other
from api.web.rendering import Renderer
from api.web.return_path import HOME
from api.web.sessions import USER_SETTINGS
from api.web.views.bulk.routes import bulk_routes
from api.web.views.insights.routes import insight_routes
from api.web.views.new_ticket.routes import new_ticket_routes
from api.web.views.plan.routes import plan_routes
from api.web.views.saved_views.routes import saved_view_routes
from api.web.views.settings.routes import settings_routes
from api.web.views.sidebar.routes import sidebar_routes
from api.web.views.sign_in.routes import SignInMethods, sign_in_routes
from api.web.views.suggestions import suggestion_routes
from api.web.views.ticket.routes import ticket_routes
from api.web.views.tickets.routes import ticket_list_routes
from api.web.views.tickets.view import PATH as TICKETS_PATH
from api.web.views.workflows.routes import workflow_routes


async def _show_home(request: web.Request, _context: RequestContext) -> web.Response:
    return see_other(request[USER_SETTINGS].start_path or TICKETS_PATH)


def web_routes(
    renderer: Renderer,
    create_context: ContextFactory,
    sign_in: SignInMethods,
    streams: StreamSessions,
    limits: StreamLimits,
) -> list[web.AbstractRouteDef]:
    """Return all routes of the web UI."""
    pages = Pages(renderer, create_context, sign_in.sessions.require_sign_in)
    return [
        renderer.assets.route,
        pages.get(HOME, _show_home),
        *sign_in_routes(pages, sign_in),
        *sidebar_routes(pages),
        *settings_routes(pages),
        *saved_view_routes(pages),
        LiveEvents(pages, EventStreams(streams, limits)).route,
        *new_ticket_routes(pages),
        *ticket_list_routes(pages),
        *bulk_routes(pages),
        *ticket_routes(pages),
        *suggestion_routes(pages),
        *workflow_routes(pages),
        *plan_routes(pages),
        *insight_routes(pages),
    ]
