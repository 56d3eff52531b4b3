"""Compare a transition by the storage layer with the same statement without the layer."""

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
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.ticket_load import (
    ASSIGNEE,
    TICKETS,
    TicketSet,
    count_flawed_histories,
    count_not_in_status,
    prepare_database,
    transition_all,
    transition_by_store,
)
from benchmarks.timing import ratio
from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.store import TicketStore
from engine.storage.tickets.transition import TransitionForm, transition_statement
from engine.vocabulary import Status

WRITERS: Final = (1, 8)
ROUNDS: Final = 15
WITH_SLA: Final = "storage layer, with SLA targets"
STATEMENT: Final = transition_statement(TransitionForm(keyed=False, sees_all=True))
TITLE: Final = f"""\
Transitions per second: {TICKETS:,} tickets, one transition each in a round
Medians of {ROUNDS} rounds, and of the ratios within a round
Embedded PostgreSQL, default settings except fsync = off (no waiting for the disk)"""
CAPTION: Final = """\
pgbench: the load generator of PostgreSQL; the same SQL, prepared; results are not read
bare asyncpg: only fetchrow of the same SQL; each writer has its connection
storage layer: TicketStore.transition, from the command to the ticket, on connections of a pool
with SLA targets: the same for as many tickets with SLA targets; the same references
No transition was refused. At the end, the histories of all tickets are verified."""

Contender: TypeAlias = Callable[[Status, int], Awaitable[float]]
"""Moves all tickets to a status with a number of writers; returns transitions per second."""
Rates: TypeAlias = Mapping[int, Mapping[str, Sequence[float]]]
"""The rate in every round, by number of writers and name of the contender."""


def main() -> None:
    """Print medians and ratios."""
    with TemporaryDirectory() as folder, temporary_server() as url:
        script = Path(folder) / "transition.sql"
        script.write_text(pgbench.build_script(STATEMENT, values(Status.OPEN)))
        rates = uvloop.run(measure(url, script))
    print_table(build_table(rates))


async def measure(url: str, script: Path) -> Rates:
    """Insert the tickets, and measure all contenders."""
    await prepare_database(url)
    async with open_database(url, max(WRITERS)) as database, open_connections(url) as connections:
        contenders: dict[str, Contender] = {
            "pgbench": partial(transition_by_pgbench, url, script),
            "bare asyncpg": partial(transition_by_asyncpg, connections),
            "storage layer": partial(transition_by_store, TicketStore(database), TicketSet.PLAIN),
            WITH_SLA: partial(transition_by_store, TicketStore(database), TicketSet.WITH_SLA),
        }
        rates = await run_rounds(database, contenders)
        if flawed := await count_flawed_histories(database):
            raise RuntimeError(f"{flawed} histories have flaws")
    return rates


@asynccontextmanager
async def open_connections(url: str) -> AsyncIterator[Sequence[asyncpg.Connection]]:
    """Open a connection for each writer."""
    async with AsyncExitStack() as stack:
        yield [await open_connection(url, stack) for _ in range(max(WRITERS))]


async def open_connection(url: str, stack: AsyncExitStack) -> asyncpg.Connection:
    """Open a connection that the stack closes."""
    connection = await asyncpg.connect(url, server_settings={"timezone": "UTC"})
    stack.push_async_callback(connection.close)
    return connection


async def run_rounds(database: Database, contenders: Mapping[str, Contender]) -> Rates:
    """Run rounds of all contenders alternately, after one warm-up.

    Raises:
        RuntimeError: a transition was refused.

    """
    rates: dict[int, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    targets = {ticket_set: cycle((Status.RESOLVED, Status.IN_PROGRESS)) for ticket_set in TicketSet}
    for round_number, writers, name in product(range(ROUNDS + 1), WRITERS, contenders):
        ticket_set = TicketSet.WITH_SLA if name == WITH_SLA else TicketSet.PLAIN
        target = next(targets[ticket_set])
        rate = await contenders[name](target, writers)
        if refused := await count_not_in_status(database, ticket_set, target):
            raise RuntimeError(f"{name}: {refused} transitions were refused")
        if round_number > 0:
            rates[writers][name].append(rate)
    return rates


async def transition_by_asyncpg(
    connections: Sequence[asyncpg.Connection], target: Status, writers: int
) -> float:
    """Run the statement, without any other work for a ticket than to add its id."""
    before, after = arguments_around_ticket(target)

    async def transition(connection: asyncpg.Connection, ticket: str) -> None:
        await connection.fetchrow(STATEMENT.sql, *before, ticket, *after)

    return await transition_all([partial(transition, each) for each in connections[:writers]])


def arguments_around_ticket(target: Status) -> tuple[list[object], list[object]]:
    """Return the arguments of the statement before and after the ticket id."""
    arguments = STATEMENT.arguments({**values(target), "ticket": None})
    index = STATEMENT.parameters.index("ticket")
    return arguments[:index], arguments[index + 1 :]


async def transition_by_pgbench(url: str, script: Path, target: Status, writers: int) -> float:
    """Run the statement with pgbench."""
    return await pgbench.measure_rate(url, script, writers, values(target))


def values(target: Status) -> dict[str, object]:
    """Return the parameters of the statement except the ticket."""
    return {
        "actor": ASSIGNEE.id,
        "admin_bit": 0,
        "target": target.value,
        "target_ordinal": target.ordinal,
        "expected_version": None,
    }


def build_table(rates: Rates) -> Table:
    """Return medians and ratios as a table."""
    columns = number_columns("per second", "of pgbench", "of bare asyncpg")
    table = new_table(
        *number_columns("connections"), "what", *columns, title=TITLE, caption=CAPTION
    )
    for writers, contenders in rates.items():
        for name, rate in contenders.items():
            ratios = (
                f"{ratio(rate, contenders[other]):.2f}" for other in ("pgbench", "bare asyncpg")
            )
            table.add_row(str(writers), name, f"{median(rate):,.0f}", *ratios)
        table.add_section()
    return table


if __name__ == "__main__":
    main()
