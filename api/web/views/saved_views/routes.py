"""The routes that save and delete views."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from aiohttp import web

from api.http.access import ProtectedRoute
from api.runtime.request_context import RequestContext
from api.web.forms import read_form
from api.web.pages import Pages, see_other
from api.web.ticket_query import canonical_query, parse_filter
from api.web.views.tickets.view import PATH, conditions_in, order_named, path_of
from engine.plugins import Plugin
from engine.storage.user_settings import delete_view, save_view
from engine.user_settings import SavedView

_PATH: Final = "/views"


def saved_view_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    return [pages.post(_PATH, _save), pages.post(f"{_PATH}/delete", _delete)]


async def _save(request: web.Request, context: RequestContext) -> web.Response:
    """Save the filter of a list under a name, and show the list."""
    context.plugins.require(Plugin.TICKETING)
    fields = await read_form(request)
    view = SavedView.parse(name=fields.get("name", ""), query=_query_in(fields))
    await save_view(context.databases.changes, context.actor.id, view)
    return see_other(f"{PATH}?{view.query}")


async def _delete(request: web.Request, context: RequestContext) -> web.Response:
    """Delete a view, and show the same list."""
    context.plugins.require(Plugin.TICKETING)
    fields = await read_form(request)
    await delete_view(context.databases.changes, context.actor.id, fields.get("name", ""))
    return see_other(f"{PATH}?{_query_in(fields)}")


def _query_in(fields: Mapping[str, str]) -> str:
    """Return the filter and the order in a form, as the URL of the list has them.

    Raises:
        InvalidInput: the filter is invalid.

    """
    query = canonical_query(parse_qsl(fields.get("query", "")))
    conditions = conditions_in(query)
    parse_filter(conditions)
    order = order_named(dict(query).get("order", ""))
    return path_of(conditions, path="", order=order.name).removeprefix("?")
