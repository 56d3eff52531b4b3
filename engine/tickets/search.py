"""What people look for: which tickets, in which order, and which part of them. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from engine import limits
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    Duration,
    GroupName,
    InputModel,
    Reference,
    ServicePath,
    UserId,
    check_printable,
)
from engine.tickets.ticket import Ticket
from engine.vocabulary import Priority, Status

T = TypeVar("T")

ValueList = Annotated[tuple[T, ...], Field(min_length=1, max_length=limits.FILTER_VALUES)]
SearchText = Annotated[
    str,
    StringConstraints(
        strip_whitespace=True, min_length=1, max_length=limits.SEARCH_CHARACTERS, strict=True
    ),
    AfterValidator(check_printable),
]


class TicketTraits(InputModel):
    """What a ticket is, as far as the ticket itself tells; it has to meet every condition.

    None asks nothing, and neither does False.

    Attributes:
        status, priority, workflow: one of these.
        assignee, requester: user ids.
        assigned_to_me, opened_by_me: by or to the actor who asks.
        my_groups: of a group that the actor belongs to.

    """

    status: ValueList[Status] | None = None
    priority: ValueList[Priority] | None = None
    workflow: ValueList[Reference] | None = None
    assignee: UserId | None = None
    unassigned: bool | None = None
    requester: UserId | None = None
    assignee_group: GroupName | None = None
    service: ServicePath | None = None
    assigned_to_me: bool | None = None
    opened_by_me: bool | None = None
    my_groups: bool | None = None

    def matches_ticket(self, ticket: Ticket, actor: Actor) -> bool:
        """Tell whether a ticket is so, when this actor asks; as `storage.conditions` in SQL."""
        return all(condition(self, ticket, actor) for condition in CONDITIONS)


CONDITIONS: Final[tuple[Callable[[TicketTraits, Ticket, Actor], bool], ...]] = (
    lambda wanted, ticket, _: wanted.status is None or ticket.status in wanted.status,
    lambda wanted, ticket, _: wanted.priority is None or ticket.priority in wanted.priority,
    lambda wanted, ticket, _: wanted.workflow is None or ticket.workflow in wanted.workflow,
    lambda wanted, ticket, _: wanted.assignee in (None, ticket.assignee),
    lambda wanted, ticket, _: not wanted.unassigned or ticket.assignee is None,
    lambda wanted, ticket, _: wanted.requester in (None, ticket.requester),
    lambda wanted, ticket, _: wanted.assignee_group in (None, ticket.assignee_group),
    lambda wanted, ticket, _: wanted.service in (None, ticket.service),
    lambda wanted, ticket, actor: not wanted.assigned_to_me or ticket.assignee == actor.id,
    lambda wanted, ticket, actor: not wanted.opened_by_me or ticket.requester == actor.id,
    lambda wanted, ticket, actor: not wanted.my_groups or ticket.assignee_group in actor.groups,
)


class TicketFilter(TicketTraits):
    """Which tickets are wanted: those that meet every condition.

    None asks nothing, and neither does False, that of `breached` aside.

    Attributes:
        created_since, updated_since: at that moment or after.
        created_before, updated_before: before that moment.
        breached: True for what was promised and broken, False for everything else.
        due_within: what is promised is not broken yet, but will be within this time.
        text: words of title and description, in the language of web searches.

    """

    created_since: AwareDatetime | None = None
    created_before: AwareDatetime | None = None
    updated_since: AwareDatetime | None = None
    updated_before: AwareDatetime | None = None
    breached: bool | None = None
    due_within: Duration | None = None
    text: SearchText | None = None


class OrderField(StrEnum):
    """What tickets are ordered by."""

    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    PRIORITY = "PRIORITY"


class Direction(StrEnum):
    """Which comes first: the smaller (ASC), or the larger (DESC)."""

    ASC = "ASC"
    DESC = "DESC"


@dataclass(frozen=True, slots=True)
class Order:
    """An order of tickets, in which each has a place of its own."""

    field: OrderField = OrderField.CREATED_AT
    direction: Direction = Direction.DESC

    def cursor_of(self, ticket: Ticket) -> "Cursor":
        """Return the place of a ticket as it now is."""
        return CURSOR_OF[self.field](ticket)


NEWEST_FIRST: Final = Order()

Cursor: TypeAlias = tuple[int | datetime | str, ...]
"""What a ticket is ordered by, most significant first; its id comes last and tells all apart."""

CURSOR_OF: Final[dict[OrderField, Callable[[Ticket], Cursor]]] = {
    OrderField.CREATED_AT: lambda ticket: (ticket.created_at, ticket.id),
    OrderField.UPDATED_AT: lambda ticket: (ticket.updated_at, ticket.id),
    OrderField.PRIORITY: lambda ticket: (ticket.priority.urgency, ticket.created_at, ticket.id),
}


@dataclass(frozen=True, slots=True)
class PageRequest:
    """A part of an ordered list.

    Attributes:
        size: how many tickets at the most.
        after, before: places that it lies between; None is an end of the list.
        from_end: take the last of what lies between, not the first.

    """

    size: int
    order: Order = NEWEST_FIRST
    after: Cursor | None = None
    before: Cursor | None = None
    from_end: bool = False
