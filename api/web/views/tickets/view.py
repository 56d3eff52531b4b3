"""The view model of the list of tickets. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, TypeAlias
from urllib.parse import urlencode

from api.json_encoding import snake_case
from api.web.sla import SlaState, sla_state
from engine.tickets.search import Direction, Order, OrderField, TicketFilter
from engine.tickets.sla_timers import SlaTimers
from engine.tickets.ticket import Ticket
from engine.vocabulary import Priority, Status

Query: TypeAlias = Sequence[tuple[str, str]]
"""The parameters of a URL, in order."""

PATH: Final = "/tickets"
_LISTS: Final = frozenset({"status", "priority", "workflow"})
_BOOLEANS: Final = {"true": True, "false": False}
_UNFINISHED: Final = (("status", Status.OPEN.value), ("status", Status.IN_PROGRESS.value))
BUILT_IN_VIEWS: Final[tuple[tuple[str, Query], ...]] = (
    ("Assigned to me", (("assignedToMe", "true"), *_UNFINISHED)),
    ("My groups", (("myGroups", "true"), *_UNFINISHED)),
    ("Unassigned", (("unassigned", "true"), *_UNFINISHED)),
    ("Opened by me", (("openedByMe", "true"),)),
    ("Due soon", (("dueWithin", "1h"), *_UNFINISHED)),
    ("Missed", (("breached", "true"), *_UNFINISHED)),
    ("All", ()),
)
_NOT_FILTERS: Final = frozenset({"order", "after", "before"})


@dataclass(frozen=True, slots=True)
class ListOrder:
    """An order that a reader can choose; `name` is its value in the URL."""

    name: str
    label: str
    order: Order


ORDERS: Final = (
    ListOrder("", "Newest first", Order()),
    ListOrder("oldest", "Oldest first", Order(direction=Direction.ASC)),
    ListOrder("changed", "Last changed first", Order(OrderField.UPDATED_AT)),
    ListOrder("priority", "Most urgent first", Order(OrderField.PRIORITY)),
)


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket of the list."""

    ticket: Ticket
    requester: str | None
    assignee: str | None
    sla: SlaState | None


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A link to a built-in view; `active` if its conditions are those of the page."""

    label: str
    path: str
    active: bool


@dataclass(frozen=True, slots=True)
class TicketList:
    """The page.

    Attributes:
        query: the conditions in the URL, without the order and the cursor.
        order: how the list is ordered.
        rows: the tickets of the page.
        previous_path, next_path: the neighbouring pages; None at the ends of the list.
        problem: why the filter of the URL is invalid; empty if it is valid.

    """

    query: Query
    order: ListOrder
    rows: tuple[TicketRow, ...] = ()
    previous_path: str | None = None
    next_path: str | None = None
    problem: str = ""

    @property
    def views(self) -> tuple[ViewLink, ...]:
        """The built-in views."""
        return tuple(
            ViewLink(label, path_of(query), sorted(query) == sorted(self.query))
            for label, query in BUILT_IN_VIEWS
        )

    @property
    def heading(self) -> str:
        """The name of the view, or a general one."""
        return next((each.label for each in self.views if each.active), "Tickets")

    def first(self, parameter: str) -> str:
        """Return the value of a condition; empty if the URL does not have it."""
        return next((value for name, value in self.query if name == parameter), "")

    def has(self, parameter: str, value: str) -> bool:
        """Return whether the URL has a condition with this value."""
        return (parameter, value) in self.query

    @property
    def statuses(self) -> tuple[Status, ...]:
        """All statuses, for the filter."""
        return tuple(Status)

    @property
    def priorities(self) -> tuple[Priority, ...]:
        """All priorities, for the filter."""
        return tuple(Priority)

    @property
    def orders(self) -> tuple[ListOrder, ...]:
        """All orders."""
        return ORDERS


def path_of(query: Query, **others: str) -> str:
    """Return the path of the list with these conditions and other parameters."""
    parameters = [*query, *((name, value) for name, value in others.items() if value)]
    return f"{PATH}?{urlencode(parameters)}" if parameters else PATH


def conditions_in(query: Query) -> Query:
    """Return the conditions of a URL: without empty ones, the order and the cursor."""
    return tuple((name, value) for name, value in query if value and name not in _NOT_FILTERS)


def parse_filter(conditions: Query) -> TicketFilter:
    """Return the filter of a URL.

    Raises:
        InvalidInput: a condition is unknown or has an invalid value.

    """
    lists: dict[str, list[str]] = {}
    fields: dict[str, str | bool] = {}
    for parameter, value in conditions:
        name = snake_case(parameter)
        if name in _LISTS:
            lists.setdefault(name, []).append(value)
        else:
            fields[name] = _BOOLEANS.get(value, value)
    return TicketFilter.parse(**fields, **lists)


def order_named(name: str) -> ListOrder:
    """Return the order with this name in the URL; the default for an unknown name."""
    return next((each for each in ORDERS if each.name == name), ORDERS[0])


def build_rows(
    tickets: Sequence[Ticket],
    names: Mapping[str, str],
    timers: Mapping[str, SlaTimers | None],
    now: datetime,
) -> tuple[TicketRow, ...]:
    """Return the rows of tickets.

    Args:
        tickets: in list order.
        names: the names of the users, by id.
        timers: the SLA timers, by ticket id.
        now: the time of the database.

    """
    return tuple(
        TicketRow(
            ticket,
            names.get(ticket.requester or "", ticket.requester),
            names.get(ticket.assignee or "", ticket.assignee),
            sla_state(timers[ticket.id], now),
        )
        for ticket in tickets
    )
