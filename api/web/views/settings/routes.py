"""The routes of the settings of a user."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from aiohttp import web

from api.http.access import ProtectedRoute
from api.runtime.request_context import RequestContext
from api.web.forms import read_form
from api.web.pages import Pages, see_other
from api.web.sessions import USER_SETTINGS
from api.web.views.settings.view import SettingsPage, parse_settings
from engine.errors import InvalidInput
from engine.storage.user_settings import read_views, save_settings

_PATH: Final = "/settings"
_TEMPLATE: Final = "views/settings/page.html"


def settings_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    handlers = _SettingsHandlers(pages)
    return [pages.get(_PATH, handlers.show), pages.post(_PATH, handlers.save)]


@dataclass(frozen=True, slots=True)
class _SettingsHandlers:
    pages: Pages

    async def show(self, request: web.Request, context: RequestContext) -> web.Response:
        """Show the settings of the reader."""
        views = await read_views(context.databases.reads, context.actor.id)
        page = SettingsPage(request[USER_SETTINGS], views, "saved" in request.query)
        return self.pages.render(request, context, _TEMPLATE, {"page": page})

    async def save(self, request: web.Request, context: RequestContext) -> web.Response:
        """Change the settings of the reader."""
        views = await read_views(context.databases.reads, context.actor.id)
        page = SettingsPage(request[USER_SETTINGS], views)
        try:
            settings = parse_settings(await read_form(request), page.start_pages)
        except InvalidInput as error:
            refused = SettingsPage(page.settings, views, problem=error.message)
            values = {"page": refused}
            return self.pages.render(request, context, _TEMPLATE, values, HTTPStatus.BAD_REQUEST)
        await save_settings(context.databases.changes, context.actor.id, settings)
        return see_other(f"{_PATH}?saved")
