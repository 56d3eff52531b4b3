"""Noting missed targets: a sweep of 10,000 that are due among a million tickets."""

from collections.abc import Awaitable, Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Final

import asyncpg
import uvloop
from rich.table import Table

from benchmarks.databases import SETTLE, declare, temporary_server, unchecked
from benchmarks.synthetic_data import make_tickets
from benchmarks.tables import figures, headed, show
from engine.storage.postgres.database import Database, open_database
from engine.storage.sla.auto_close import close_resolved_tickets
from engine.storage.sla.batch import BATCH_TICKETS
from engine.storage.sla.breaches import sweep_due_times
from engine.tickets.sla_targets import SlaTerms, targets_for
from engine.tickets.ticket import Opening
from engine.vocabulary import Priority

TICKETS: Final = 1_000_000
DUE: Final = 10_000
ROUNDS: Final = 5
WITH_SLA: Final = DUE * (3 * ROUNDS + 10)
"""Each kind of round takes tickets of its own; the others are never due."""

OPENING: Final = Opening(
    *("Payments fail", "", Priority.HIGH, "incident_response", "u_1", None, None),
    sla=targets_for(Priority.HIGH, SlaTerms()),
)
PROMISE: Final = """
CREATE TABLE promised AS
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / $1::int AS part FROM tickets LIMIT $2
"""
RUNNING: Final = """
UPDATE tickets SET
    status = 'OPEN', version = 1, sla_version = 1, created_at = now() - interval '31 minutes',
    updated_at = now() - interval '31 minutes', response_due_at = now() - interval '1 minute',
    resolution_due_at = now() + interval '449 minutes', next_due_at = now() + interval '1 day'
FROM promised WHERE tickets.id = promised.id
"""
OPENED: Final = """
INSERT INTO ticket_status_history
SELECT id, 1, created_at, 'u_1', 'created', NULL, 'OPEN', 2, 1, $1, '\\x00'
FROM promised JOIN tickets USING (id)
"""
LET_BE_DUE: Final = """
UPDATE tickets SET next_due_at = response_due_at
FROM promised WHERE tickets.id = promised.id AND part = $1
"""
LET_BE_STALE: Final = """
UPDATE tickets SET sla_version = 0, response_due_at = NULL, created_at = now() FROM promised
WHERE tickets.id = promised.id AND part = $1
"""
LET_BE_JUST_OPENED: Final = """
UPDATE ticket_status_history SET at = now() FROM promised
WHERE ticket_status_history.ticket = promised.id AND part = $1
"""
BARE: Final = """
WITH noted AS (
    UPDATE tickets SET
        version = version + 1, sla_version = version + 1, updated_at = now(),
        response_breached = true, next_due_at = resolution_due_at,
        head_digest = sha256(
            head_digest || convert_to(json_build_array(tickets.id, now())::text, 'UTF8')
        )
    FROM promised WHERE tickets.id = promised.id AND part = $1
    RETURNING tickets.id, version, head_digest
)
INSERT INTO ticket_status_history
SELECT id, version, now(), 'system', 'sla_breach', NULL, 'response', 0, 1, '{}', head_digest
FROM noted
"""
TITLE: Final = f"""\
Milliseconds for {DUE:,} of {TICKETS:,} tickets, of which {WITH_SLA:,} have running timers
Medians of {ROUNDS} rounds; embedded PostgreSQL, default settings; one connection"""
CAPTION: Final = f"""\
one statement: the same rows written by one UPDATE with an INSERT, which asks nobody what is due
sweep: locked in batches of {BATCH_TICKETS}, histories read, judged, chained and written
ratio: how many times as long as the one statement"""

Work = Callable[[int], Awaitable[float]]
"""Does a part of the tickets; returns the milliseconds that it takes."""


def main() -> None:
    """Print medians and ratios."""
    with temporary_server() as url:
        times = uvloop.run(measured(url))
    show(table_of(times))


async def measured(url: str) -> dict[str, float]:
    """Make the tickets and sweep them."""
    await declare(url)
    await make_tickets(url, TICKETS)
    async with open_database(url, 1) as database, unchecked(url) as connection:
        await set_targets(connection)
        works: dict[str, Work] = {
            "one statement": partial(by_one_statement, connection),
            "sweep, all missed": partial(of_missed, connection, database),
            "sweep, all stale": partial(of_stale, connection, database),
            "sweep, nothing to do": partial(of_nothing, database),
            "grace periods, nothing to do": partial(of_no_closing, database),
        }
        times: dict[str, list[float]] = {name: [] for name in works}
        for round_ in range(ROUNDS):
            for place, (name, work) in enumerate(works.items()):
                times[name].append(await work(place * ROUNDS + round_))
    return {name: median(taken) for name, taken in times.items()}


async def set_targets(connection: asyncpg.Connection) -> None:
    """Let something be promised for some of the tickets, and nothing be due."""
    await connection.execute(PROMISE, DUE, WITH_SLA)
    await connection.execute(RUNNING)
    await connection.execute(OPENED, OPENING.details)
    await connection.execute(SETTLE)


async def by_one_statement(connection: asyncpg.Connection, part: int) -> float:
    """Write what a sweep would, in one statement."""
    await connection.execute(LET_BE_DUE, part)
    start = perf_counter()
    await connection.execute(BARE, part)
    return 1_000 * (perf_counter() - start)


async def of_missed(connection: asyncpg.Connection, database: Database, part: int) -> float:
    """Note the breaches of a part."""
    await connection.execute(LET_BE_DUE, part)
    return await swept(database, DUE)


async def of_stale(connection: asyncpg.Connection, database: Database, part: int) -> float:
    """Bring a part up to date, of which nothing is missed."""
    await connection.execute(LET_BE_JUST_OPENED, part)
    await connection.execute(LET_BE_STALE, part)
    return await swept(database, DUE)


async def of_nothing(database: Database, _part: int) -> float:
    """Look for something to do."""
    return await swept(database, 0)


async def of_no_closing(database: Database, _part: int) -> float:
    """Look for quiet tickets."""
    start = perf_counter()
    await close_resolved_tickets(database)
    return 1_000 * (perf_counter() - start)


async def swept(database: Database, expected: int) -> float:
    """Sweep as a server does.

    Raises:
        RuntimeError: it swept more or fewer tickets than there were.

    """
    start = perf_counter()
    count = await sweep_due_times(database)
    taken = 1_000 * (perf_counter() - start)
    if count != expected:
        raise RuntimeError(f"{count} tickets were swept, not {expected}")
    return taken


def table_of(times: dict[str, float]) -> Table:
    """Return the medians with their ratios."""
    columns = figures("ms", "tickets per second", "ratio")
    table = headed("what", *columns, title=TITLE, caption=CAPTION)
    for name, taken in times.items():
        idle = name.endswith("nothing to do")
        per_second = "" if idle else f"{1_000 * DUE / taken:,.0f}"
        ratio = "" if idle else f"{taken / times['one statement']:.1f}"
        table.add_row(name, f"{taken:,.1f}", per_second, ratio)
    return table


if __name__ == "__main__":
    main()
