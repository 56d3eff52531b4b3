"""`/api/v1/users` and `/api/v1/groups`: whom tickets can be assigned to."""

from collections.abc import Awaitable, Callable
from typing import Final

from aiohttp import web
from pydantic import BaseModel

from api.http.app_keys import ACTOR
from api.http.body import JSON
from api.limits import DEFAULT_PAGE_ITEMS
from api.pagination import check_page_size
from api.rest.models import RequestModel, ResponseModel, validated
from api.rest.query_parameters import Parser, parse_number, parse_text, read_parameters
from api.runtime.request_context import RequestContext
from engine.plugins import Plugin
from engine.storage.tickets.directory_lists import list_groups, list_users
from engine.tickets.actor import Actor
from engine.tickets.directory import DirectoryFilter, UserFilter

_USERS_PATH: Final = "/api/v1/users"
_GROUPS_PATH: Final = "/api/v1/groups"
_GROUP_PARAMETERS: Final[dict[str, Parser]] = {"search": parse_text, "first": parse_number}
_USER_PARAMETERS: Final[dict[str, Parser]] = {**_GROUP_PARAMETERS, "group": parse_text}

_ContextFactory = Callable[[Actor], Awaitable[RequestContext]]


class GroupsQuery(RequestModel, DirectoryFilter):
    """The query parameters of a list of groups."""

    first: int = DEFAULT_PAGE_ITEMS
    """The maximum number of groups."""


class UsersQuery(RequestModel, UserFilter):
    """The query parameters of a list of users."""

    first: int = DEFAULT_PAGE_ITEMS
    """The maximum number of users."""


class UserResponse(ResponseModel):
    """A user who has signed in."""

    id: str
    """The user id in their tokens."""
    name: str
    """The name in their latest token."""


class UserListResponse(ResponseModel):
    """Users that tickets can be assigned to."""

    users: tuple[UserResponse, ...]
    """The users, ordered by name."""


class GroupResponse(ResponseModel):
    """A group that a token has named, or that the declaration names."""

    name: str
    """The name, as the assignee group of tickets."""


class GroupListResponse(ResponseModel):
    """Groups that tickets can be assigned to."""

    groups: tuple[GroupResponse, ...]
    """The groups, ordered by name."""


def directory_routes(create_context: _ContextFactory) -> list[web.RouteDef]:
    """Return the routes."""

    async def context_of(request: web.Request) -> RequestContext:
        context = await create_context(request[ACTOR])
        context.plugins.require(Plugin.TICKETING)
        return context

    async def read_users(request: web.Request) -> web.Response:
        query = validated(UsersQuery, read_parameters(request, _USER_PARAMETERS))
        context = await context_of(request)
        size = _page_size(query.first, context)
        found = await list_users(context.databases.reads, context.actor, query, size)
        users = tuple(map(UserResponse.model_validate, found))
        return _respond(UserListResponse(users=users))

    async def read_groups(request: web.Request) -> web.Response:
        query = validated(GroupsQuery, read_parameters(request, _GROUP_PARAMETERS))
        context = await context_of(request)
        size = _page_size(query.first, context)
        names = await list_groups(context.databases.reads, context.actor, query, size)
        return _respond(GroupListResponse(groups=tuple(GroupResponse(name=each) for each in names)))

    return [web.get(_USERS_PATH, read_users), web.get(_GROUPS_PATH, read_groups)]


def _page_size(first: int, context: RequestContext) -> int:
    return check_page_size("first", first, "page_users", context.limits.page_users)


def _respond(body: BaseModel) -> web.Response:
    return web.Response(body=body.model_dump_json().encode(), content_type=JSON)
