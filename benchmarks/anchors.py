"""Anchors of a million tickets, and what sealing costs transitions."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import cycle
from statistics import median
from time import perf_counter
from typing import Final

import uvloop
from rich.table import Table

from benchmarks.databases import VACUUM, declare, temporary_server, unchecked
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.ticket_load import TicketSet, prepare_database, transition_by_store
from benchmarks.timing import ratio
from engine.sealing.anchor_key import AnchorKey
from engine.storage.history.anchors import make_anchor
from engine.storage.history.head_chunks import compute_tree
from engine.storage.history.seals import last_seal, seal_log
from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.store import TicketStore
from engine.vocabulary import Status

TICKETS: Final = 1_000_000
ENTRIES: Final = 4
"""Entries of each ticket."""
RECENT: Final = TICKETS // 20
CHANGES: Final = (0, 1_000, 10_000)
ROUNDS: Final = 5
WRITERS: Final = 8
TRANSITION_ROUNDS: Final = 15
SEAL_SECONDS: Final = 0.2
"""Ten times as often as a server, so that each round has some seals."""
KEY: Final = AnchorKey.new()

DROP_INDEXES: Final = """
ALTER TABLE ticket_status_history DROP CONSTRAINT ticket_status_history_pkey;
DROP INDEX ticket_status_history_log_idx
"""
CREATE_INDEXES: Final = """
ALTER TABLE ticket_status_history ADD PRIMARY KEY (ticket, seq);
CREATE INDEX ticket_status_history_log_idx ON ticket_status_history (transaction, entry)
"""
INSERT_HISTORIES: Final = """
INSERT INTO ticket_status_history (ticket, seq, at, actor, kind, new_value, actor_bits,
    workflow_revision, digest)
SELECT 'tk_' || md5(n::text), seq, now() - ($1 - n) * interval '95 seconds', 'u_1',
       CASE WHEN seq = 1 THEN 'created' ELSE 'comment' END, 'Looking into it', 2, 1,
       sha256((n || '-' || seq)::bytea)
FROM generate_series(1, $1::int) n CROSS JOIN generate_series(1, $2::int) seq
ORDER BY n + (seq - 1) * 40, seq
"""
INSERT_CHANGES: Final = """
INSERT INTO ticket_status_history (ticket, seq, at, actor, kind, new_value, actor_bits,
    workflow_revision, digest)
SELECT id, (SELECT max(seq) + 1 FROM ticket_status_history WHERE ticket = id), now(), 'u_1',
       'comment', 'Looking into it', 2, 1, sha256((id || clock_timestamp())::bytea)
FROM (
    SELECT DISTINCT 'tk_' || md5((1 + floor($2::int + random() * ($3::int - $2::int)))::int::text)
        AS id
    FROM generate_series(1, $1::int)
) AS chosen
"""
TITLE: Final = f"""\
Seconds for {TICKETS:,} tickets with {ENTRIES} entries each; medians of {ROUNDS} rounds
Embedded PostgreSQL, default settings; one connection"""
CAPTION: Final = """\
ratio: the time relative to computing the tree from all histories
all: the changed tickets are spread over all tickets; recent: over the latest twentieth"""


def main() -> None:
    """Print the durations, and the rates of transitions."""
    with temporary_server() as url:
        print_table(times_table(uvloop.run(measure_anchors(url))))
    with temporary_server() as url:
        print_table(rates_table(uvloop.run(measure_transitions(url))))


async def measure_anchors(url: str) -> dict[str, float]:
    """Create the histories; return the median durations in seconds."""
    await declare(url)
    await insert_histories(url)
    times: dict[str, float] = {}
    async with open_database(url, 1) as database, unchecked(url) as connection:
        times["seal everything"] = await duration(lambda: seal_log(database))
        times["the first anchor"] = await duration(lambda: make_anchor(database, KEY))
        times["compute the tree"] = await duration(lambda: compute(database))
        for changes in CHANGES:
            for name, first in (("all", 0), ("recent", TICKETS - RECENT)):
                taken = []
                for _ in range(ROUNDS):
                    await connection.execute(INSERT_CHANGES, changes, first, TICKETS)
                    await seal_log(database)
                    taken.append(await duration(lambda: make_anchor(database, KEY)))
                times[f"the next anchor, {changes:,} changed tickets ({name})"] = median(taken)
    return times


async def insert_histories(url: str) -> None:
    """Insert the histories. Their digests are not those of their content, which nothing reads."""
    async with unchecked(url) as connection:
        for statement in (DROP_INDEXES, INSERT_HISTORIES, CREATE_INDEXES, VACUUM):
            arguments = (TICKETS, ENTRIES) if statement is INSERT_HISTORIES else ()
            await connection.execute(statement, *arguments)


async def compute(database: Database) -> None:
    """Compute the tree from the histories of all tickets."""
    async with database.snapshot() as session:
        await compute_tree(session, (await last_seal(session)).entries)


async def duration(work: Callable[[], Awaitable[object]]) -> float:
    """Return the duration of some work in seconds."""
    start = perf_counter()
    await work()
    return perf_counter() - start


async def measure_transitions(url: str) -> dict[str, list[float]]:
    """Return the transitions per second of each round, without and with seals."""
    await prepare_database(url)
    rates: dict[str, list[float]] = {"without seals": [], "with seals": []}
    targets = cycle((Status.RESOLVED, Status.IN_PROGRESS))
    async with open_database(url, WRITERS + 1) as database:
        store = TicketStore(database)
        for _ in range(TRANSITION_ROUNDS + 1):
            for name, taken in rates.items():
                async with sealing(database, is_on=name == "with seals"):
                    taken.append(
                        await transition_by_store(store, TicketSet.PLAIN, next(targets), WRITERS)
                    )
                await seal_log(database)
    return {name: taken[1:] for name, taken in rates.items()}


@asynccontextmanager
async def sealing(database: Database, *, is_on: bool) -> AsyncIterator[None]:
    """Seal regularly during the block."""

    async def seal() -> None:
        while True:
            await asyncio.sleep(SEAL_SECONDS)
            await seal_log(database)

    task = asyncio.create_task(seal()) if is_on else None
    yield
    if task is not None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def times_table(times: dict[str, float]) -> Table:
    """Return the durations with their ratios."""
    table = new_table("work", *number_columns("seconds", "ratio"), title=TITLE, caption=CAPTION)
    for name, taken in times.items():
        table.add_row(name, f"{taken:.2f}", f"{taken / times['compute the tree']:.3f}")
    return table


def rates_table(rates: dict[str, list[float]]) -> Table:
    """Return the rates with the ratio."""
    title = f"Transitions per second, {WRITERS} writers; a seal every {SEAL_SECONDS} s"
    columns = number_columns("per second", "ratio")
    table = new_table("what", *columns, title=title)
    for name, taken in rates.items():
        table.add_row(name, f"{median(taken):,.0f}", f"{ratio(taken, rates['without seals']):.2f}")
    return table


if __name__ == "__main__":
    main()
