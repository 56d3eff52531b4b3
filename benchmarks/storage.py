"""One transition through the storage layer, against the same statement without the layer."""

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from itertools import cycle, product
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Final, TypeAlias

import asyncpg
import uvloop
from rich.table import Table

from benchmarks import pgbench
from benchmarks.databases import temporary_server
from benchmarks.tables import figures, headed, show
from benchmarks.ticket_load import (
    ASSIGNEE,
    TICKETS,
    Fleet,
    broken_histories,
    by_store,
    left_behind,
    move_all,
    prepare,
)
from benchmarks.timing import ratio
from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.transition import transition_statement
from engine.vocabulary import Status

WRITERS: Final = (1, 8)
ROUNDS: Final = 15
WITH_SLA: Final = "storage layer, with SLA targets"
STATEMENT: Final = transition_statement(keyed=False, sees_all=True)
TITLE: Final = f"""\
Transitions per second: {TICKETS:,} tickets, each moved once a round
Medians of {ROUNDS} rounds, and of the ratios within a round
Embedded PostgreSQL, default settings but synchronous_commit = off: nobody waits for the disk"""
CAPTION: Final = """\
pgbench: PostgreSQL's own load generator, in C; the same SQL, prepared, its answer not read
bare asyncpg: fetchrow of the same SQL on a connection of the writer's own, and nothing else
storage layer: TicketStore.transition, from the form to the ticket, on connections of a pool
with SLA targets: the same for as many other tickets that have SLA targets; of the same references
No move was refused, and at the end the history of every ticket was proven whole."""

Way: TypeAlias = Callable[[Status, int], Awaitable[float]]
"""Moves every ticket to a status with that many writers; returns the moves per second."""
Rates: TypeAlias = Mapping[int, Mapping[str, Sequence[float]]]
"""The rates of each way in every round, by the number of writers."""


def main() -> None:
    """Print medians and ratios."""
    with TemporaryDirectory() as folder, temporary_server() as url:
        script = Path(folder) / "transition.sql"
        script.write_text(pgbench.script(STATEMENT, values(Status.OPEN)))
        rates = uvloop.run(measured(url, script))
    show(table_of(rates))


async def measured(url: str, script: Path) -> Rates:
    """Set the tickets up and move them in every way in turn."""
    await prepare(url)
    async with open_database(url, max(WRITERS)) as database, dedicated(url) as connections:
        ways: dict[str, Way] = {
            "pgbench": partial(by_pgbench, url, script),
            "bare asyncpg": partial(by_asyncpg, connections),
            "storage layer": partial(by_store, TicketStore(database), Fleet.PLAIN),
            WITH_SLA: partial(by_store, TicketStore(database), Fleet.WITH_SLA),
        }
        rates = await race(database, ways)
        if broken := await broken_histories(database):
            raise RuntimeError(f"{broken} histories are not whole")
    return rates


@asynccontextmanager
async def dedicated(url: str) -> AsyncIterator[Sequence[asyncpg.Connection]]:
    """Open a connection for each writer."""
    async with AsyncExitStack() as stack:
        yield [await opened(url, stack) for _ in range(max(WRITERS))]


async def opened(url: str, stack: AsyncExitStack) -> asyncpg.Connection:
    """Open a connection that is closed with the stack."""
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    stack.push_async_callback(connection.close)
    return connection


async def race(database: Database, ways: Mapping[str, Way]) -> Rates:
    """Take rounds of all ways, in turn after one warm-up.

    Raises:
        RuntimeError: a move was refused.

    """
    taken: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    targets = {fleet: cycle((Status.RESOLVED, Status.IN_PROGRESS)) for fleet in Fleet}
    for turn, writers, name in product(range(ROUNDS + 1), WRITERS, ways):
        fleet = Fleet.WITH_SLA if name == WITH_SLA else Fleet.PLAIN
        target = next(targets[fleet])
        rate = await ways[name](target, writers)
        if refused := await left_behind(database, fleet, target):
            raise RuntimeError(f"{name}: {refused} moves were refused")
        if turn > 0:
            taken[writers][name].append(rate)
    return taken


async def by_asyncpg(
    connections: Sequence[asyncpg.Connection], target: Status, writers: int
) -> float:
    """Run the statement and look at nothing; the ticket alone is put into its arguments."""
    before, after = arguments_around_ticket(target)

    async def move(connection: asyncpg.Connection, ticket: str) -> None:
        await connection.fetchrow(STATEMENT.sql, *before, ticket, *after)

    return await move_all([partial(move, each) for each in connections[:writers]])


def arguments_around_ticket(target: Status) -> tuple[list[object], list[object]]:
    """Return the arguments of the statement that come before the ticket's, and those after."""
    arguments = STATEMENT.arguments({**values(target), "ticket": None})
    place = STATEMENT.parameters.index("ticket")
    return arguments[:place], arguments[place + 1 :]


async def by_pgbench(url: str, script: Path, target: Status, writers: int) -> float:
    """Let pgbench do it."""
    return await pgbench.rate(url, script, writers, values(target))


def values(target: Status) -> dict[str, object]:
    """Return the parameters of the statement, all but the ticket."""
    return {
        "actor": ASSIGNEE.id,
        "admin_bit": 0,
        "target": target.value,
        "target_ordinal": target.ordinal,
        "expected_version": None,
    }


def table_of(rates: Rates) -> Table:
    """Return medians and ratios as a table."""
    speed = figures("per second", "of pgbench", "of bare asyncpg")
    table = headed(*figures("connections"), "what", *speed, title=TITLE, caption=CAPTION)
    for writers, ways in rates.items():
        for name, rate in ways.items():
            ratios = (f"{ratio(rate, ways[other]):.2f}" for other in ("pgbench", "bare asyncpg"))
            table.add_row(str(writers), name, f"{median(rate):,.0f}", *ratios)
        table.add_section()
    return table


if __name__ == "__main__":
    main()
