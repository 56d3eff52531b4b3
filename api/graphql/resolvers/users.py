"""Resolvers of users."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext
from engine.storage.resources.on_behalf import read_on_behalf_groups
from engine.tickets.permissions import can_open_on_behalf

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
) -> dict[str, object]:
    """Return the user of the request."""
    actor = context.actor
    return {
        "id": actor.id,
        "name": actor.name,
        "groups": sorted(actor.groups),
        "admin": actor.is_admin,
    }


@resolvers.field("Viewer.canOpenOnBehalf")
async def can_viewer_open_on_behalf(
    _viewer: object, _arguments: object, context: RequestContext, _info: object
) -> bool:
    """Return whether the user of the request can open tickets for other users."""
    return can_open_on_behalf(context.actor, await read_on_behalf_groups(context.databases.reads))
