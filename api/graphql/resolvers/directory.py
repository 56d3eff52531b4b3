"""Resolvers of the known users and groups."""

from typing import Final, TypedDict

from api.graphql.registry import Resolvers
from api.graphql.resolvers.users import User
from api.pagination import check_page_size
from api.runtime.request_context import RequestContext
from engine.storage.tickets.directory_lists import list_groups, list_users
from engine.tickets.directory import DirectoryFilter, UserFilter

resolvers: Final = Resolvers()


class _GroupsArguments(TypedDict, total=False):
    search: str | None
    first: int


class _UsersArguments(_GroupsArguments, total=False):
    group: str | None


@resolvers.field("Query.people")  # prose: ignore
async def users(
    _parent: object, arguments: _UsersArguments, context: RequestContext, _info: object
) -> list[User]:
    """Return users that tickets can be assigned to."""
    size = _size(arguments, context)
    condition = UserFilter.parse(search=arguments.get("search"), group=arguments.get("group"))
    found = await list_users(context.databases.reads, context.actor, condition, size)
    return [User(each.id, each.name) for each in found]


@resolvers.field("Query.groups")
async def groups(
    _parent: object, arguments: _GroupsArguments, context: RequestContext, _info: object
) -> list[dict[str, str]]:
    """Return groups that tickets can be assigned to."""
    size = _size(arguments, context)
    condition = DirectoryFilter.parse(search=arguments.get("search"))
    names = await list_groups(context.databases.reads, context.actor, condition, size)
    return [{"name": name} for name in names]


def _size(arguments: _GroupsArguments, context: RequestContext) -> int:
    return check_page_size("first", arguments["first"], "page_users", context.limits.page_users)
