"""The fixed vocabulary of the product: statuses, priorities, roles and events."""

from enum import IntFlag, StrEnum
from typing import Final

SYSTEM: Final = "system"
"""The actor of automatic changes. No user has this id."""


class Status(StrEnum):
    """The status of a ticket."""

    # The order of the members is part of the layout of a policy.
    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"

    @property
    def ordinal(self) -> int:
        """The position of this status in the layout of a policy, 0 to 3."""
        return STATUS_ORDINALS[self]


STATUSES: Final = tuple(Status)
STATUS_ORDINALS: Final = {status: ordinal for ordinal, status in enumerate(STATUSES)}


class Priority(StrEnum):
    """How urgent a ticket is, the most urgent first. Determines its default SLA targets."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"

    @property
    def urgency(self) -> int:
        """The urgency as a number from 1 (`LOW`) to 4 (`CRITICAL`)."""
        return _URGENCIES[self]


_URGENCIES: Final = {priority: urgency for urgency, priority in enumerate(reversed(Priority), 1)}


class ServiceStatus(StrEnum):
    """The status of a monitored service."""

    OPERATIONAL = "OPERATIONAL"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    MAINTENANCE = "MAINTENANCE"
    UNKNOWN = "UNKNOWN"


class TicketEvent(StrEnum):
    """The events that webhooks receive, one for each kind of history entry."""

    CREATED = "ticket.created"
    TRANSITIONED = "ticket.transitioned"
    ASSIGNED = "ticket.assigned"
    TRANSFERRED = "ticket.transferred"
    PRIORITY_CHANGED = "ticket.priority_changed"
    TITLE_CHANGED = "ticket.title_changed"
    DESCRIPTION_CHANGED = "ticket.description_changed"
    COMMENTED = "ticket.commented"
    NOTED = "ticket.noted"
    SLA_BREACHED = "ticket.sla_breached"
    PUBLISHED = "ticket.published"


class Role(StrEnum):
    """The role that a declared transition requires."""

    ASSIGNEE = "assignee"
    REQUESTER = "requester"
    ANY = "any"


class Visibility(StrEnum):
    """Who can read a ticket: every authenticated user, or only users involved in it."""

    EVERYONE = "everyone"
    INVOLVED = "involved"


class Assignees(StrEnum):
    """Which users and groups a ticket can be assigned to: those that are known, or any."""

    KNOWN = "known"
    ANY = "any"


class ActorRoles(IntFlag):
    """The roles that an actor has towards one ticket. An actor can have several."""

    ASSIGNEE = 1
    REQUESTER = 2
    ADMIN = 4

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the roles in lower case, for example `("assignee", "admin")`."""
        return tuple(role.name.lower() for role in ActorRoles if role in self and role.name)


NO_ROLES: Final = ActorRoles(0)
ROLE_COMBINATIONS: Final = tuple(map(ActorRoles, range(8)))

ROLE_BITS: Final = {
    Role.ASSIGNEE: ActorRoles.ASSIGNEE,
    Role.REQUESTER: ActorRoles.REQUESTER,
    Role.ANY: ActorRoles.ASSIGNEE | ActorRoles.REQUESTER | ActorRoles.ADMIN,
}
"""The bits that each declared role sets in a policy."""
