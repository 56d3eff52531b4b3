"""Resolvers of users."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from api.graphql.registry import Resolvers
from api.runtime.request_context import RequestContext

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
