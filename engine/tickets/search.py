"""The filters, orders and pages of ticket lists. Pure."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, TypeAlias, TypeVar

from pydantic import AfterValidator, AwareDatetime, Field
from pydantic_core import PydanticCustomError

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
    text_length,
)
from engine.tickets.text_search import parse_text_search
from engine.tickets.ticket import Ticket
from engine.vocabulary import Priority, Status

T = TypeVar("T")

ValueList = Annotated[tuple[T, ...], Field(min_length=1, max_length=limits.FILTER_VALUES)]


def _check_search(text: str) -> str:
    if parse_text_search(check_printable(text)).is_empty:
        raise PydanticCustomError(
            "nothing_to_find",
            "must contain something to search for: a letter, a digit or a symbol such as an emoji;"
            " punctuation is not searched",
        )
    return text


_SearchText = Annotated[
    str, text_length(limits.SEARCH_CHARACTERS, strip=True), AfterValidator(_check_search)
]


class TicketTraits(InputModel):
    """Conditions on the ticket itself; a ticket must meet all of them.

    None and False set no condition.

    Attributes:
        status, priority, workflow: the ticket has one of these.
        assignee, requester: user ids.
        assigned_to_me, opened_by_me: the actor is the assignee, the requester.
        my_groups: the actor is in the assignee group.

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
        """Return whether a ticket matches; in SQL: `engine.storage.tickets.filters`."""
        return all(condition(self, ticket, actor) for condition in _CONDITIONS)


_CONDITIONS: Final[tuple[Callable[[TicketTraits, Ticket, Actor], bool], ...]] = (
    lambda traits, ticket, _: traits.status is None or ticket.status in traits.status,
    lambda traits, ticket, _: traits.priority is None or ticket.priority in traits.priority,
    lambda traits, ticket, _: traits.workflow is None or ticket.workflow in traits.workflow,
    lambda traits, ticket, _: traits.assignee in (None, ticket.assignee),
    lambda traits, ticket, _: not traits.unassigned or ticket.assignee is None,
    lambda traits, ticket, _: traits.requester in (None, ticket.requester),
    lambda traits, ticket, _: traits.assignee_group in (None, ticket.assignee_group),
    lambda traits, ticket, _: traits.service in (None, ticket.service),
    lambda traits, ticket, actor: not traits.assigned_to_me or ticket.assignee == actor.id,
    lambda traits, ticket, actor: not traits.opened_by_me or ticket.requester == actor.id,
    lambda traits, ticket, actor: not traits.my_groups or ticket.assignee_group in actor.groups,
)


class TicketFilter(TicketTraits):
    """Conditions on the tickets of a list; a ticket must meet all of them.

    None sets no condition, and neither does False, except for `breached`.

    Attributes:
        created_since, updated_since: at that time or later.
        created_before, updated_before: before that time.
        breached: True for tickets with an SLA breach, False for all others.
        due_within: an SLA target is not missed yet, but is due within this time.
        movable_by_me: the actor can make a transition of the ticket now. The policy of its workflow
            decides, so only the database knows; `engine.workflows.policy.permits_any` is the rule.
        text: words of one text of the ticket (title and description, or a comment), in the syntax
            of `engine.tickets.text_search`.

    """

    created_since: AwareDatetime | None = None
    created_before: AwareDatetime | None = None
    updated_since: AwareDatetime | None = None
    updated_before: AwareDatetime | None = None
    breached: bool | None = None
    due_within: Duration | None = None
    movable_by_me: bool | None = None
    text: _SearchText | None = None

    def matches_ticket(self, ticket: Ticket, actor: Actor) -> bool:
        """Return whether a ticket can match: as far as the ticket itself shows it."""
        can_have_role = ticket.status is not Status.CLOSED and bool(
            actor.roles_on(ticket.requester, ticket.assignee)
        )
        return (not self.movable_by_me or can_have_role) and super().matches_ticket(ticket, actor)

    @property
    def has_only_traits(self) -> bool:
        """Whether a ticket that can match does match."""
        used = {name for name, value in self if value is not None}
        return used <= TicketTraits.model_fields.keys()


class OrderField(StrEnum):
    """The field by which tickets are ordered."""

    CREATED_AT = "CREATED_AT"
    UPDATED_AT = "UPDATED_AT"
    PRIORITY = "PRIORITY"
    DUE_AT = "DUE_AT"


class Direction(StrEnum):
    """Whether the smallest value comes first (ASC) or the largest (DESC)."""

    ASC = "ASC"
    DESC = "DESC"


Cursor: TypeAlias = tuple[int | datetime | str, ...]
"""The values that order a ticket, most significant first; the id comes last and is unique."""
NOT_DUE: Final = "none"
"""The first value for a ticket without a due time, in a list by due time. Such tickets come after
all others, the newest first."""

_CURSOR_OF: Final[dict[OrderField, Callable[[Ticket, datetime | None], Cursor]]] = {
    OrderField.CREATED_AT: lambda ticket, _: (ticket.created_at, ticket.id),
    OrderField.UPDATED_AT: lambda ticket, _: (ticket.updated_at, ticket.id),
    OrderField.PRIORITY: lambda ticket, _: (ticket.priority.urgency, ticket.created_at, ticket.id),
    OrderField.DUE_AT: lambda ticket, due_at: (
        (due_at, ticket.id) if due_at else (NOT_DUE, ticket.created_at, ticket.id)
    ),
}


@dataclass(frozen=True, slots=True)
class Order:
    """A total order of tickets."""

    field: OrderField = OrderField.CREATED_AT
    direction: Direction = Direction.DESC

    def cursor_of(self, ticket: Ticket, due_at: datetime | None = None) -> Cursor:
        """Return the cursor of the current version of a ticket, whose next SLA target is due then.

        Only a list by due time uses `due_at`.
        """
        return _CURSOR_OF[self.field](ticket, due_at)


NEWEST_FIRST: Final = Order()


@dataclass(frozen=True, slots=True)
class PageRequest:
    """Which page of an ordered list to read.

    Attributes:
        size: the maximum number of tickets.
        after, before: the cursors between which the page lies; None for an end of the list.
        from_end: whether to read the last tickets between the cursors instead of the first.

    """

    size: int
    order: Order = NEWEST_FIRST
    after: Cursor | None = None
    before: Cursor | None = None
    from_end: bool = False
