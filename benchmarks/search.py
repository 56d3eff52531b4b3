"""Finding tickets among a million: the first page and page 500 of what people look for."""

from collections.abc import Mapping
from statistics import quantiles
from time import perf_counter
from typing import Final, TypeAlias

import uvloop
from rich.table import Table

from benchmarks.databases import declare, temporary_server
from benchmarks.synthetic_data import make_tickets
from benchmarks.tables import figures, headed, show
from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.filters import Conditions, conditions_of
from engine.storage.tickets.search import find_tickets
from engine.tickets.actor import Actor
from engine.tickets.search import Direction, Order, OrderField, PageRequest, TicketFilter
from engine.tickets.viewer import SYSTEM_VIEWER, Viewer
from engine.vocabulary import Visibility

TICKETS: Final = 1_000_000
PAGE: Final = 20
FAR_PAGE: Final = 500
ROUNDS: Final = 200
ACTOR: Final = Actor("u_7", "Person 7", frozenset({"group-7", "group-20", "group-49"}))

NEWEST: Final = Order()
OLDEST: Final = Order(direction=Direction.ASC)
LATEST_CHANGE: Final = Order(OrderField.UPDATED_AT)
MOST_URGENT: Final = Order(OrderField.PRIORITY)
LIVE: Final = ("OPEN", "IN_PROGRESS", "RESOLVED")
PLAIN: Final = "newest first"

SHAPES: Final[Mapping[str, tuple[Order, Mapping[str, object]]]] = {
    PLAIN: (NEWEST, {}),
    "oldest first": (OLDEST, {}),
    "last change first": (LATEST_CHANGE, {}),
    "most urgent first": (MOST_URGENT, {}),
    "live": (NEWEST, {"status": LIVE}),
    "live, oldest first": (OLDEST, {"status": LIVE}),
    "live, most urgent first": (MOST_URGENT, {"status": LIVE}),
    "OPEN": (NEWEST, {"status": ["OPEN"]}),
    "CRITICAL": (NEWEST, {"priority": ["CRITICAL"]}),
    "one workflow of five": (NEWEST, {"workflow": ["change_request"]}),
    "assigned to me": (NEWEST, {"assigned_to_me": True}),
    "assigned to me, live": (NEWEST, {"assigned_to_me": True, "status": LIVE}),
    "assigned to me, last change first": (LATEST_CHANGE, {"assigned_to_me": True}),
    "unassigned": (NEWEST, {"unassigned": True}),
    "opened by me": (NEWEST, {"opened_by_me": True}),
    "one group": (NEWEST, {"assignee_group": "group-20"}),
    "my three groups, live": (NEWEST, {"my_groups": True, "status": LIVE}),
    "a word in 6 % of the tickets": (NEWEST, {"text": "word5"}),
    "a word in 1 % of the tickets": (NEWEST, {"text": "word300"}),
    "a word in 200 tickets": (NEWEST, {"text": "word15000"}),
    "two words": (NEWEST, {"text": "word5 word12"}),
    "two words, live": (NEWEST, {"text": "word5 word12", "status": LIVE}),
}
ALONE: Final = Viewer(Actor("u_7", "Person 7"), Visibility.INVOLVED)
IN_GROUPS: Final = Viewer(ACTOR, Visibility.INVOLVED)
ROWS: Final[Mapping[str, tuple[Viewer, Order, Mapping[str, object]]]] = {
    **{name: (SYSTEM_VIEWER, order, wanted) for name, (order, wanted) in SHAPES.items()},
    "involving me": (ALONE, NEWEST, {}),
    "involving me, last change first": (ALONE, LATEST_CHANGE, {}),
    "involving me or three groups": (IN_GROUPS, NEWEST, {}),
    "involving me or three groups, live": (IN_GROUPS, NEWEST, {"status": LIVE}),
    "involving me or three groups, most urgent first": (IN_GROUPS, MOST_URGENT, {}),
    "involving me or three groups, a word in 1 %": (IN_GROUPS, NEWEST, {"text": "word300"}),
}
TITLE: Final = f"""\
Milliseconds for a page of {PAGE} among {TICKETS:,} tickets, {ROUNDS} rounds of every row in turn
Embedded PostgreSQL, default settings; from the filter to the tickets, one at a time"""
CAPTION: Final = f"""\
ratio: of the median to that of the first page, {PLAIN}
page {FAR_PAGE}: begins after the last ticket of the page before; shorter lists have none"""

Times: TypeAlias = Mapping[tuple[str, str], list[float]]
"""Milliseconds in each round, by shape and page."""


def main() -> None:
    """Print medians, 99th percentiles and ratios."""
    with temporary_server() as url:
        times = uvloop.run(measured(url))
    show(table_of(times))


async def measured(url: str) -> Times:
    """Make the tickets and look for them."""
    await declare(url)
    await make_tickets(url, TICKETS)
    async with open_database(url) as database:
        return await race(database)


async def race(database: Database) -> Times:
    """Take rounds of all rows in turn, after one warm-up."""
    parts = {
        (name, page): (viewer, conditions_of(TicketFilter.parse(**wanted), ACTOR), part)
        for name, (viewer, order, wanted) in ROWS.items()
        for page, part in (await pages(database, viewer, order, wanted)).items()
    }
    times: dict[tuple[str, str], list[float]] = {row: [] for row in parts}
    for turn in range(ROUNDS + 1):
        for row, (viewer, conditions, part) in parts.items():
            taken = await milliseconds(database, viewer, conditions, part)
            if turn > 0:
                times[row].append(taken)
    return times


async def pages(
    database: Database, viewer: Viewer, order: Order, wanted: Mapping[str, object]
) -> dict[str, PageRequest]:
    """Return the first page of a list, and the far one if the list is as long."""
    conditions = conditions_of(TicketFilter.parse(**wanted), ACTOR)
    before = await find_tickets(
        database, viewer, conditions, PageRequest((FAR_PAGE - 1) * PAGE, order)
    )
    first = {"first": PageRequest(PAGE, order)}
    if not before.has_more:
        return first
    return first | {
        str(FAR_PAGE): PageRequest(PAGE, order, after=order.cursor_of(before.tickets[-1]))
    }


async def milliseconds(
    database: Database, viewer: Viewer, conditions: Conditions, part: PageRequest
) -> float:
    """Return how long one page takes."""
    start = perf_counter()
    await find_tickets(database, viewer, conditions, part)
    return (perf_counter() - start) * 1_000


def table_of(times: Times) -> Table:
    """Return the times as a table."""
    columns = figures("p50", "p99", "ratio")
    table = headed("tickets", "page", *columns, title=TITLE, caption=CAPTION)
    reference = middle_and_tail(times[PLAIN, "first"])[0]
    for (name, page), taken in times.items():
        middle, tail = middle_and_tail(taken)
        table.add_row(name, page, f"{middle:.2f}", f"{tail:.2f}", f"{middle / reference:.1f}")
    return table


def middle_and_tail(taken: list[float]) -> tuple[float, float]:
    """Return the 50th and the 99th percentile."""
    hundredths = quantiles(taken, n=100)
    return hundredths[49], hundredths[98]


if __name__ == "__main__":
    main()
