"""Resolvers of users."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext
from engine.tickets.actor import Actor

resolvers: Final = Resolvers()


@dataclass(frozen=True, slots=True)
class User:
    """The fields of the GraphQL type `User`."""

    id: str
    name: str

    @classmethod
    def of(cls, id_: str | None, names: Mapping[str, str]) -> "User | None":
        """Return the user with an id; None without an id."""
        return None if id_ is None else cls(id_, names.get(id_, id_))


@resolvers.field("Query.viewer")
async def viewer(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> Actor:
    """Return the user of the request."""
    return context.actor


@resolvers.field("Viewer.groups")
async def groups(
    actor: Actor, _arguments: object, _context: RequestContext, _info: object
) -> list[str]:
    """Return the groups of the user, in alphabetical order."""
    return sorted(actor.groups)


@resolvers.field("Viewer.admin")
async def admin(actor: Actor, _arguments: object, _context: RequestContext, _info: object) -> bool:
    """Return whether the user is an admin."""
    return actor.is_admin
