"""The actor of a request, and the roles that the actor has on a ticket. Pure."""

from dataclasses import dataclass

from engine.vocabulary import NO_ROLES, ActorRoles


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in user as the token describes them, or `system`.

    Attributes:
        id: the user id.
        name: the name for display.
        groups: the groups of the user.
        is_admin: whether the user has the admin role on every ticket.

    """

    id: str
    name: str
    groups: frozenset[str] = frozenset()
    is_admin: bool = False

    def roles_on(self, requester: str | None, assignee: str | None) -> ActorRoles:
        """Return the roles of the actor on a ticket that has these user ids."""
        roles = ActorRoles.ADMIN if self.is_admin else NO_ROLES
        if self.id == assignee:
            roles |= ActorRoles.ASSIGNEE
        if self.id == requester:
            roles |= ActorRoles.REQUESTER
        return roles
