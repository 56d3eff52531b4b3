"""The users and groups that a field suggests while the reader types."""

from collections.abc import Iterable
from typing import Final

import orjson
from aiohttp import web

from api.http.access import ProtectedRoute
from api.http.body import JSON
from api.runtime.request_context import RequestContext
from api.web.pages import Pages
from engine.plugins import Plugin
from engine.storage.tickets.directory_lists import list_groups, list_users
from engine.tickets.directory import DirectoryFilter, UserFilter

_SUGGESTIONS: Final = 10


def suggestion_routes(pages: Pages) -> list[ProtectedRoute]:
    """Return the routes."""
    return [
        pages.get("/suggestions/users", _suggest_users),
        pages.get("/suggestions/groups", _suggest_groups),
    ]


async def _suggest_users(request: web.Request, context: RequestContext) -> web.Response:
    context.plugins.require(Plugin.TICKETING)
    condition = UserFilter.parse(search=request.query.get("search") or None)
    found = await list_users(context.databases.reads, context.actor, condition, _SUGGESTIONS)
    return _respond((each.id, f"{each.name} ({each.id})") for each in found)


async def _suggest_groups(request: web.Request, context: RequestContext) -> web.Response:
    context.plugins.require(Plugin.TICKETING)
    condition = DirectoryFilter.parse(search=request.query.get("search") or None)
    found = await list_groups(context.databases.reads, context.actor, condition, _SUGGESTIONS)
    return _respond((each, each) for each in found)


def _respond(suggestions: Iterable[tuple[str, str]]) -> web.Response:
    found = [{"value": value, "label": label} for value, label in suggestions]
    return web.Response(body=orjson.dumps(found), content_type=JSON)
