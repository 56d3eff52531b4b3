"""Resolvers: people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext
from engine.tickets.actor import Actor

resolvers: Final = Resolvers()


@dataclass(frozen=True, slots=True)
class User:
    """A person, as others see them."""

    id: str
    name: str

    @classmethod
    def of(cls, id_: str | None, names: Mapping[str, str]) -> "User | None":
        """Return the person of that id; None if it is nobody's."""
        return None if id_ is None else cls(id_, names.get(id_, id_))


@resolvers.field("Query.viewer")
async def viewer(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> Actor:
    """Return the person who asks."""
    return context.actor


@resolvers.field("Viewer.groups")
async def groups(
    actor: Actor, _arguments: object, _context: RequestContext, _info: object
) -> list[str]:
    """Return the groups of the person who asks."""
    return sorted(actor.groups)


@resolvers.field("Viewer.admin")
async def admin(actor: Actor, _arguments: object, _context: RequestContext, _info: object) -> bool:
    """Return whether the person who asks is an admin."""
    return actor.is_admin
