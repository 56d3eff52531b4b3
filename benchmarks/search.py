"""Time the first page and page 500 of common lists and searches among a million tickets."""

from collections.abc import Mapping
from statistics import quantiles
from time import perf_counter
from typing import Final, TypeAlias

import uvloop
from rich.table import Table

from benchmarks.databases import declare, temporary_server
from benchmarks.synthetic_data import insert_comments, insert_tickets
from benchmarks.tables import new_table, number_columns, print_table
from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.filters import Conditions, conditions_of
from engine.storage.tickets.search import find_tickets
from engine.tickets.actor import Actor
from engine.tickets.search import Direction, Order, OrderField, PageRequest, TicketFilter
from engine.tickets.viewer import Viewer
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

LISTS: Final[Mapping[str, tuple[Order, Mapping[str, object]]]] = {
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
    "a word in 40 % of the tickets": (NEWEST, {"text": "word5"}),
    "a word in 1 % of the tickets": (NEWEST, {"text": "word300"}),
    "a word in 200 tickets": (NEWEST, {"text": "word15000"}),
    "two words": (NEWEST, {"text": "word5 word12"}),
    "two words, live": (NEWEST, {"text": "word5 word12", "status": LIVE}),
    "a common and a rare word": (NEWEST, {"text": "word5 word15000"}),
    "words one after the other (a code, a URL)": (NEWEST, {"text": "word5-word12"}),
    "the same, rare": (NEWEST, {"text": "word150/word1200"}),
    "words in quotes": (NEWEST, {"text": '"word5 word12"'}),
    "a beginning in all tickets": (NEWEST, {"text": "w"}),
    "a beginning in 1 %": (NEWEST, {"text": '"word3000" or word301'}),
    "one word or another": (NEWEST, {"text": "word300 or word15000"}),
    "a word without another": (NEWEST, {"text": "word5 -word300"}),
    "all without a word": (NEWEST, {"text": "-word300"}),
    "a word of 200 tickets, last change first": (LATEST_CHANGE, {"text": "word15000"}),
    "two characters of Chinese text": (NEWEST, {"text": "支付"}),
    "six characters of Chinese text": (NEWEST, {"text": "订单支付失败"}),
    "a ticket id": (NEWEST, {"text": "tk_c4ca4238a0b923820dcc509a6f75849b"}),
    "the beginning of a ticket id": (NEWEST, {"text": "tk_c4ca"}),
    "no such word": (NEWEST, {"text": "nothing"}),
}
WITHOUT_GROUPS: Final = Viewer(Actor("u_7", "Person 7"), Visibility.INVOLVED)
READS_FEW_NOTES: Final = Viewer(ACTOR, Visibility.EVERYONE)
READS_NOTES: Final = Viewer(Actor("u_8", "Person 8", is_admin=True), Visibility.EVERYONE)
IN_GROUPS: Final = Viewer(ACTOR, Visibility.INVOLVED)
ROWS: Final[Mapping[str, tuple[Viewer, Order, Mapping[str, object]]]] = {
    **{name: (READS_NOTES, order, wanted) for name, (order, wanted) in LISTS.items()},
    "involving me": (WITHOUT_GROUPS, NEWEST, {}),
    "involving me, last change first": (WITHOUT_GROUPS, LATEST_CHANGE, {}),
    "involving me or three groups": (IN_GROUPS, NEWEST, {}),
    "involving me or three groups, live": (IN_GROUPS, NEWEST, {"status": LIVE}),
    "involving me or three groups, most urgent first": (IN_GROUPS, MOST_URGENT, {}),
    "involving me or three groups, a word in 1 %": (IN_GROUPS, NEWEST, {"text": "word300"}),
    "a word in 1 %, for those who read few notes": (READS_FEW_NOTES, NEWEST, {"text": "word300"}),
    "a word in 200, for those who read few notes": (READS_FEW_NOTES, NEWEST, {"text": "word15000"}),
}
TITLE: Final = f"""\
Milliseconds for a page of {PAGE} among {TICKETS:,} tickets, {ROUNDS} alternating rounds of all rows
A third of the tickets has a comment, one in thirty an internal note, one in a hundred Chinese text
Embedded PostgreSQL, default settings; from the filter to the tickets, one page at a time"""
CAPTION: Final = f"""\
ratio: of the median to that of the first page, {PLAIN}
page {FAR_PAGE}: begins after the last ticket of the page before; shorter lists have none"""

Times: TypeAlias = Mapping[tuple[str, str], list[float]]
"""Milliseconds in each round, by list and page."""


def main() -> None:
    """Print medians, 99th percentiles and ratios."""
    with temporary_server() as url:
        times = uvloop.run(measure(url))
    print_table(build_table(times))


async def measure(url: str) -> Times:
    """Insert the tickets, and time the searches."""
    await declare(url)
    await insert_tickets(url, TICKETS)
    await insert_comments(url)
    async with open_database(url) as database:
        return await run_rounds(database)


async def run_rounds(database: Database) -> Times:
    """Run rounds of all rows alternately, after one warm-up."""
    requests = {
        (name, page): (viewer, conditions_of(TicketFilter.parse(**wanted), ACTOR), request)
        for name, (viewer, order, wanted) in ROWS.items()
        for page, request in (await pages(database, viewer, order, wanted)).items()
    }
    times: dict[tuple[str, str], list[float]] = {row: [] for row in requests}
    for round_number in range(ROUNDS + 1):
        for row, (viewer, conditions, request) in requests.items():
            duration = await milliseconds(database, viewer, conditions, request)
            if round_number > 0:
                times[row].append(duration)
    return times


async def pages(
    database: Database, viewer: Viewer, order: Order, wanted: Mapping[str, object]
) -> dict[str, PageRequest]:
    """Return the requests for the first page of a list and, if there is one, the far page."""
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
    database: Database, viewer: Viewer, conditions: Conditions, request: PageRequest
) -> float:
    """Return the duration of one page."""
    start = perf_counter()
    await find_tickets(database, viewer, conditions, request)
    return (perf_counter() - start) * 1_000


def build_table(times: Times) -> Table:
    """Return the times as a table."""
    columns = number_columns("p50", "p99", "ratio")
    table = new_table("tickets", "page", *columns, title=TITLE, caption=CAPTION)
    reference = middle_and_tail(times[PLAIN, "first"])[0]
    for (name, page), duration in times.items():
        middle, tail = middle_and_tail(duration)
        table.add_row(name, page, f"{middle:.2f}", f"{tail:.2f}", f"{middle / reference:.1f}")
    return table


def middle_and_tail(duration: list[float]) -> tuple[float, float]:
    """Return the 50th and the 99th percentile."""
    hundredths = quantiles(duration, n=100)
    return hundredths[49], hundredths[98]


if __name__ == "__main__":
    main()
