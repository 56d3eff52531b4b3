"""The words of the product. They are fixed: there are no custom values (design section 1)."""

from enum import IntFlag, StrEnum
from typing import Final

SYSTEM: Final = "system"
"""The actor of automatic events; never the id of a person."""


class Status(StrEnum):
    """Where a ticket stands. The order of the members is the order of the policy's pairs."""

    OPEN = "OPEN"
    IN_PROGRESS = "IN_PROGRESS"
    RESOLVED = "RESOLVED"
    CLOSED = "CLOSED"

    @property
    def ordinal(self) -> int:
        """The place of this status in the policy layout, 0 to 3."""
        return STATUS_ORDINALS[self]


STATUSES: Final = tuple(Status)
STATUS_ORDINALS: Final = {status: ordinal for ordinal, status in enumerate(STATUSES)}


class Priority(StrEnum):
    """How urgent a ticket is; decides its default SLA targets. The most urgent comes first."""

    CRITICAL = "CRITICAL"
    HIGH = "HIGH"
    MEDIUM = "MEDIUM"
    LOW = "LOW"

    @property
    def urgency(self) -> int:
        """A number that is larger for what is more urgent: 1 to 4."""
        return URGENCIES[self]


URGENCIES: Final = {priority: urgency for urgency, priority in enumerate(reversed(Priority), 1)}


class ServiceStatus(StrEnum):
    """How a monitored service is doing."""

    OPERATIONAL = "OPERATIONAL"
    DEGRADED = "DEGRADED"
    DOWN = "DOWN"
    MAINTENANCE = "MAINTENANCE"
    UNKNOWN = "UNKNOWN"


class TicketEvent(StrEnum):
    """What webhooks tell of a ticket; each is what one kind of history entry records."""

    CREATED = "ticket.created"
    TRANSITIONED = "ticket.transitioned"
    ASSIGNED = "ticket.assigned"
    PRIORITY_CHANGED = "ticket.priority_changed"
    TITLE_CHANGED = "ticket.title_changed"
    DESCRIPTION_CHANGED = "ticket.description_changed"
    COMMENTED = "ticket.commented"
    NOTED = "ticket.noted"
    SLA_BREACHED = "ticket.sla_breached"


class Role(StrEnum):
    """Who a declared transition is for."""

    ASSIGNEE = "assignee"
    REQUESTER = "requester"
    ANY = "any"


class Visibility(StrEnum):
    """Who may read a ticket: everyone who is signed in, or those who are involved in it."""

    EVERYONE = "everyone"
    INVOLVED = "involved"


class ActorRoles(IntFlag):
    """What an actor is towards one ticket; a person can be several at once."""

    ASSIGNEE = 1
    REQUESTER = 2
    ADMIN = 4

    @property
    def names(self) -> tuple[str, ...]:
        """The held roles in lower case, e.g. ``("assignee", "admin")``; empty for none."""
        return tuple(role.name.lower() for role in ActorRoles if role in self and role.name)


NO_ROLES: Final = ActorRoles(0)
ROLE_COMBINATIONS: Final = tuple(ActorRoles(bits) for bits in range(8))

ROLE_BITS: Final = {
    Role.ASSIGNEE: ActorRoles.ASSIGNEE,
    Role.REQUESTER: ActorRoles.REQUESTER,
    Role.ANY: ActorRoles.ASSIGNEE | ActorRoles.REQUESTER | ActorRoles.ADMIN,
}
"""The actor bits that each declared role sets in a policy (design section 3)."""
