"""The view model of the list of tickets. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final
from urllib.parse import parse_qsl, urlencode

from api.web.sla import SlaState, sla_state
from api.web.ticket_query import Query, is_date
from engine.tickets.search import Direction, Order, OrderField
from engine.tickets.sla_timers import SlaTimers
from engine.tickets.ticket import Ticket
from engine.user_settings import SavedView
from engine.vocabulary import Priority, Status

PATH: Final = "/tickets"
_SHORT_ID_CHARACTERS: Final = 11
"""`tk_` and eight digits: enough to tell tickets apart. The complete id is the title."""
COUNTS_PATH: Final = f"{PATH}/counts"
MOST_COUNTED: Final = 100
"""A view with more tickets is not counted to its end."""
CSV_PATH: Final = "/tickets.csv"
EVENTS_PATH: Final = "/events"
_NOT_FILTERS: Final = frozenset({"order", "after", "before"})
RARE: Final = frozenset(
    {
        *("workflow", "requester", "service"),
        *("createdSince", "createdBefore", "updatedSince", "updatedBefore"),
    }
)
"""The conditions that the form shows only on request."""
_UNFINISHED: Final = (("status", Status.OPEN.value), ("status", Status.IN_PROGRESS.value))
BUILT_IN_VIEWS: Final[tuple[tuple[str, Query], ...]] = (
    ("Waiting for me", (("movableByMe", "true"),)),
    ("Assigned to me", (("assignedToMe", "true"), *_UNFINISHED)),
    ("My groups", (("myGroups", "true"), *_UNFINISHED)),
    ("Unassigned", (("unassigned", "true"), *_UNFINISHED)),
    ("Opened by me", (("openedByMe", "true"),)),
    ("Due soon", (("dueWithin", "1h"), *_UNFINISHED)),
    ("Missed", (("breached", "true"), *_UNFINISHED)),
    ("All", ()),
)


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
    ListOrder("due", "Due first", Order(OrderField.DUE_AT, Direction.ASC)),
    ListOrder("priority", "Most urgent first", Order(OrderField.PRIORITY)),
)


@dataclass(frozen=True, slots=True)
class TicketRow:
    """A ticket of the list; `changed` if the row replaces one that the page shows."""

    ticket: Ticket
    requester: str | None
    assignee: str | None
    sla: SlaState | None
    changed: bool = False

    @property
    def short_id(self) -> str:
        """The beginning of the id."""
        return shorten_id(self.ticket.id)


@dataclass(frozen=True, slots=True)
class ViewLink:
    """A link to a view.

    Attributes:
        active: whether its conditions are those of the page.
        count: how many tickets it has; empty if they were not counted.
        is_saved: whether it is a view of the reader, not a built-in one.

    """

    label: str
    path: str
    active: bool
    count: str = ""
    is_saved: bool = False


@dataclass(frozen=True, slots=True)
class TicketList:
    """The page.

    Attributes:
        query: the conditions in the URL, without the order and the cursor.
        order: how the list is ordered.
        workflows: the display names of the active workflows, by name.
        rows: the tickets of the page.
        previous_cursor, next_cursor: where the neighbouring pages begin; None at the ends.
        position: the position of the log from which the page follows changes.
        problem: why the filter of the URL is invalid; empty if it is valid.
        saved_views: of the reader.

    """

    query: Query
    order: ListOrder
    workflows: Mapping[str, str] = field(default_factory=dict)
    rows: tuple[TicketRow, ...] = ()
    previous_cursor: str | None = None
    next_cursor: str | None = None
    position: str = ""
    problem: str = ""
    saved_views: Sequence[SavedView] = ()

    @property
    def first_path(self) -> str:
        """The path of the first page."""
        return path_of(self.query, order=self.order.name)

    @property
    def csv_path(self) -> str:
        """The path of all tickets of the list as CSV."""
        return path_of(self.query, path=CSV_PATH, order=self.order.name)

    @property
    def matching(self) -> str:
        """The filter and the order as one value of a form."""
        return path_of(self.query, path="", order=self.order.name).removeprefix("?")

    @property
    def previous_path(self) -> str | None:
        """The path of the page before this one; None on the first page."""
        cursor = self.previous_cursor
        return cursor and path_of(self.query, order=self.order.name, before=cursor)

    @property
    def next_path(self) -> str | None:
        """The path of the page after this one; None on the last page."""
        cursor = self.next_cursor
        return cursor and path_of(self.query, order=self.order.name, after=cursor)

    @property
    def events_path(self) -> str:
        """The path of the events of tickets that match the filter."""
        return path_of(self.query, path=EVENTS_PATH, position=self.position)

    @property
    def views(self) -> tuple[ViewLink, ...]:
        """The built-in views, and those of the reader."""
        return view_links(self.query, self.order.name, self.saved_views)

    @property
    def counts_path(self) -> str:
        """The path of the views with the numbers of their tickets."""
        return path_of(self.query, path=COUNTS_PATH, order=self.order.name)

    @property
    def saved_view(self) -> str | None:
        """The name of the saved view that the page shows."""
        return next((each.label for each in self.views if each.active and each.is_saved), None)

    @property
    def heading(self) -> str:
        """The name of the view, or a general one."""
        if self.matching == "":
            return "All tickets"
        return next((each.label for each in self.views if each.active), "Tickets")

    @property
    def conditions(self) -> int:
        """The number of conditions that the form shows."""
        return len({name for name, _ in self.query} - {"text"})

    @property
    def opens_form(self) -> bool:
        """Whether the form is open: its conditions exclude all tickets, or are invalid."""
        return bool(self.conditions) and not self.rows

    @property
    def has_rare(self) -> bool:
        """Whether the URL has conditions that few filters use."""
        return any(name in RARE for name, _ in self.query)

    def kind_of_time(self, parameter: str) -> str:
        """Return the kind of field that can show the value of a condition on a time."""
        value = self.first(parameter)
        return "date" if not value or is_date(value) else "text"

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
    def targets(self) -> tuple[Status, ...]:
        """The statuses to which selected tickets can be moved; the usual one first."""
        return (Status.RESOLVED, *(each for each in Status if each is not Status.RESOLVED))

    @property
    def priorities(self) -> tuple[Priority, ...]:
        """All priorities, for the filter."""
        return tuple(Priority)

    @property
    def orders(self) -> tuple[ListOrder, ...]:
        """All orders."""
        return ORDERS


def view_links(
    query: Query,
    order: str,
    saved_views: Sequence[SavedView],
    counts: Mapping[str, int] = MappingProxyType({}),
) -> tuple[ViewLink, ...]:
    """Return the links to the built-in views, and to those of the reader.

    Args:
        query: the conditions of the page.
        order: the name of its order. A saved view states one, a built-in view does not.
        saved_views: of the reader.
        counts: how many tickets the built-in views have, by label, up to `MOST_COUNTED` and one
            more.

    """
    present = sorted([*query, *([("order", order)] if order else [])])
    saved = [
        ViewLink(
            each.name,
            f"{PATH}?{each.query}",
            sorted(parse_qsl(each.query)) == present,
            is_saved=True,
        )
        for each in saved_views
    ]
    is_saved = any(each.active for each in saved)
    built_in = [
        ViewLink(
            label,
            path_of(conditions),
            not is_saved and sorted(conditions) == sorted(query),
            _count_text(counts[label]) if label in counts else "",
        )
        for label, conditions in BUILT_IN_VIEWS
    ]
    return (*built_in, *saved)


def _count_text(count: int) -> str:
    return f"{MOST_COUNTED}+" if count > MOST_COUNTED else str(count)


def path_of(query: Query, *, path: str = PATH, **others: str) -> str:
    """Return the path of the list with these conditions and other parameters."""
    parameters = [*query, *((name, value) for name, value in others.items() if value)]
    return f"{path}?{urlencode(parameters)}" if parameters else path


def conditions_in(query: Query) -> Query:
    """Return the conditions of a URL: without empty ones, the order and the cursor."""
    return tuple((name, value) for name, value in query if value and name not in _NOT_FILTERS)


def shorten_id(ticket: str) -> str:
    """Return the beginning of a ticket id."""
    is_long = len(ticket) > _SHORT_ID_CHARACTERS
    return f"{ticket[:_SHORT_ID_CHARACTERS]}…" if is_long else ticket


def order_named(name: str) -> ListOrder:
    """Return the order with this name in the URL; the default for an unknown name."""
    return next((each for each in ORDERS if each.name == name), ORDERS[0])


def build_rows(
    tickets: Sequence[Ticket],
    names: Mapping[str, str],
    timers: Mapping[str, SlaTimers | None],
    now: datetime,
    *,
    changed: bool = False,
) -> tuple[TicketRow, ...]:
    """Return the rows of tickets.

    Args:
        tickets: in list order.
        names: the names of the users, by id.
        timers: the SLA timers, by ticket id.
        now: the time of the database.
        changed: whether the rows replace others that the page shows.

    """
    return tuple(
        TicketRow(
            ticket,
            names.get(ticket.requester or "", ticket.requester),
            names.get(ticket.assignee or "", ticket.assignee),
            sla_state(timers[ticket.id], now),
            changed,
        )
        for ticket in tickets
    )
