"""Who asks: the actor of a request, and what they are towards one ticket."""

from dataclasses import dataclass

from engine.vocabulary import NO_ROLES, ActorRoles


@dataclass(frozen=True, slots=True)
class Actor:
    """A signed-in person, as their token states them.

    Attributes:
        id: the user id; never `system`.
        name: for people.
        groups: the groups that the person belongs to.
        is_admin: holds the admin role towards every ticket.

    """

    id: str
    name: str
    groups: frozenset[str] = frozenset()
    is_admin: bool = False

    def roles_towards(self, requester: str | None, assignee: str | None) -> ActorRoles:
        """Return what this actor is towards a ticket of that requester and assignee (ids)."""
        roles = ActorRoles.ADMIN if self.is_admin else NO_ROLES
        if self.id == assignee:
            roles |= ActorRoles.ASSIGNEE
        if self.id == requester:
            roles |= ActorRoles.REQUESTER
        return roles
