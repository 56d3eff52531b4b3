"""Time the same operations in databases of three sizes, and measure the size of their rows."""

import argparse
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from statistics import median
from time import perf_counter
from typing import Final, TypeAlias

import asyncpg
import uvloop
from rich.table import Table

from benchmarks.databases import (
    VACUUM,
    declare,
    disable_sync,
    execute_unchecked,
    temporary_server,
)
from benchmarks.search import ACTOR, LIVE, NEWEST, PAGE, READS_NOTES, pages
from benchmarks.synthetic_data import insert_comments, insert_entries, insert_tickets
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.timing import ratio
from engine.storage.insights.transitions import read_transition_insights
from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.filters import conditions_of
from engine.storage.tickets.reader import read_ticket, read_version
from engine.storage.tickets.search import find_tickets
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import CommentTicket, CreateTicket, StartTicket, TransitionTicket
from engine.tickets.search import PageRequest, TicketFilter
from engine.vocabulary import Status

SIZES: Final = (1_000_000, 3_000_000, 10_000_000)
ROUNDS: Final = 100
_PERIOD: Final = timedelta(days=90)
_REQUESTER: Final = Actor("u_8", "Person 8")
_LISTS: Final[Mapping[str, Mapping[str, object]]] = {
    "list, newest first": {},
    "my groups, live": {"my_groups": True, "status": LIVE},
    "a word in 1 %": {"text": "word300"},
    "waiting for me": {"movable_by_me": True},
}
_CREATE: Final = CreateTicket.parse(
    title="Payments fail",
    description="Cards are declined.",
    workflow="incident_response",
    assignee_group="group-20",
)
_WAL: Final = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
_BYTES: Final = """
SELECT pg_total_relation_size('tickets') / $1::float8,
       pg_total_relation_size('ticket_status_history') / ($1::float8 * 3),
       pg_total_relation_size('ticket_search') / $1::float8
"""
_TITLE: Final = """\
Milliseconds of an operation of the storage layer, one at a time
Medians of {rounds} rounds that alternate between the databases; embedded PostgreSQL, fsync = off"""
_CAPTION: Final = """\
growth: median of the ratios within a round, largest to smallest database
WAL bytes: median in the largest database"""

Operation: TypeAlias = Callable[[], Awaitable[object]]
Samples: TypeAlias = Mapping[str, Mapping[int, Sequence[float]]]
"""A number of each round, by operation and number of tickets."""


@dataclass(frozen=True)
class _Sized:
    """A database and the number of tickets that were inserted into it."""

    tickets: int
    database: Database
    connection: asyncpg.Connection


def main() -> None:
    """Print times, growth and sizes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tickets", type=int, nargs="+", default=SIZES)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    with ExitStack() as stack:
        urls = {size: stack.enter_context(temporary_server()) for size in arguments.tickets}
        uvloop.run(_measure(urls, arguments.rounds))


async def _measure(urls: Mapping[int, str], rounds: int) -> None:
    for size, url in urls.items():
        await _fill(url, size)
    async with AsyncExitStack() as stack:
        databases = [await _open(size, url, stack) for size, url in urls.items()]
        sizes = {each.tickets: await _read_sizes(each) for each in databases}
        times, wal = await _run_rounds(databases, rounds)
    print_table(_table_of_times(times, wal, rounds))
    print_table(_table_of_sizes(sizes))


async def _fill(url: str, size: int) -> None:
    await declare(url)
    await disable_sync(url)
    await insert_tickets(url, size)
    await insert_comments(url)
    await insert_entries(url)
    await execute_unchecked(url, VACUUM)


async def _open(size: int, url: str, stack: AsyncExitStack) -> _Sized:
    database = await stack.enter_async_context(open_database(url))
    connection = await asyncpg.connect(url)
    stack.push_async_callback(connection.close)
    return _Sized(size, database, connection)


async def _read_sizes(sized: _Sized) -> Sequence[float]:
    return list(await sized.connection.fetchrow(_BYTES, sized.tickets))


async def _run_rounds(databases: Sequence[_Sized], rounds: int) -> tuple[Samples, Samples]:
    """Return milliseconds and bytes of WAL, after one warm-up."""
    times: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    wal: dict[str, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    operations = {
        each.tickets: await _reads(each.database) | _Story(each.database).operations()
        for each in databases
    }
    for round_number in range(rounds + 1):
        for each in databases:
            for name, operation in operations[each.tickets].items():
                before = await each.connection.fetchval(_WAL)
                started = perf_counter()
                await operation()
                duration = perf_counter() - started
                after = await each.connection.fetchval(_WAL)
                if round_number > 0:
                    times[name][each.tickets].append(duration * 1e3)
                    wal[name][each.tickets].append(float(after - before))
    return times, wal


async def _reads(database: Database) -> dict[str, Operation]:
    """Return the operations that only read."""
    operations: dict[str, Operation] = {}
    for name, wanted in _LISTS.items():
        conditions = conditions_of(TicketFilter.parse(**wanted), ACTOR)
        for page, request in (await pages(database, READS_NOTES, NEWEST, wanted)).items():
            operations[f"{name}, page {page}"] = partial(
                find_tickets, database, READS_NOTES, conditions, request
            )
    anything = conditions_of(TicketFilter(), ACTOR)
    newest = await find_tickets(database, READS_NOTES, anything, PageRequest(PAGE, NEWEST))
    ticket = newest.tickets[-1].id
    return operations | {
        "one ticket": partial(read_ticket, database, READS_NOTES, ticket),
        "all entries of a ticket": partial(read_version, database, ticket, 3),
        "insights, 90 days": partial(read_transition_insights, database, _PERIOD),
    }


@dataclass
class _Story:
    """The changes of one new ticket in each round, in this order."""

    database: Database
    ticket: str = ""

    def operations(self) -> dict[str, Operation]:
        """Return the changes by name."""
        return {
            "open a ticket": self._open,
            "pick up": self._pick_up,
            "comment": self._comment,
            "transition": self._resolve,
        }

    async def _open(self) -> None:
        self.ticket = (await TicketStore(self.database).create(_REQUESTER, _CREATE)).id

    async def _pick_up(self) -> None:
        await TicketStore(self.database).start(ACTOR, StartTicket(ticket=self.ticket))

    async def _comment(self) -> None:
        command = CommentTicket(ticket=self.ticket, text="The bank answers again.")
        await TicketStore(self.database).comment(ACTOR, command)

    async def _resolve(self) -> None:
        command = TransitionTicket(ticket=self.ticket, to=Status.RESOLVED)
        await TicketStore(self.database).transition(ACTOR, command)


def _table_of_times(times: Samples, wal: Samples, rounds: int) -> Table:
    sizes = list(next(iter(times.values())))
    smallest, largest = min(sizes), max(sizes)
    headings = (*(f"{size:,} tickets" for size in sizes), "growth", "WAL bytes")
    title = _TITLE.format(rounds=rounds)
    table = new_table("operation", *number_columns(*headings), title=title, caption=_CAPTION)
    for name, by_size in times.items():
        if by_size.keys() == set(sizes):
            table.add_row(
                name,
                *(f"{median(by_size[size]):.2f}" for size in sizes),
                f"{ratio(by_size[largest], by_size[smallest]):.2f}",
                f"{median(wal[name][largest]):,.0f}",
            )
    return table


def _table_of_sizes(sizes: Mapping[int, Sequence[float]]) -> Table:
    headings = ("per ticket", "per entry", "search, per ticket")
    table = new_table("tickets", *number_columns(*headings), title="Bytes on disk, with indexes")
    for size, numbers in sizes.items():
        table.add_row(f"{size:,}", *(f"{number:,.0f}" for number in numbers))
    return table


if __name__ == "__main__":
    main()
