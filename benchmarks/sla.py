"""Sweeps of due times: 10,000 breaches among a million tickets."""

from collections.abc import Awaitable, Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Final

import asyncpg
import uvloop
from rich.table import Table

from benchmarks.databases import VACUUM, declare, temporary_server, unchecked
from benchmarks.synthetic_data import insert_tickets
from benchmarks.tables import new_table, number_columns, print_table
from engine.storage.postgres.database import Database, open_database
from engine.storage.sla.auto_close import close_resolved_tickets
from engine.storage.sla.batch import BATCH_TICKETS
from engine.storage.sla.breaches import sweep_due_times
from engine.tickets.sla_targets import SlaTerms, targets_for
from engine.tickets.ticket import Opening
from engine.vocabulary import Priority

TICKETS: Final = 1_000_000
BREACHES: Final = 10_000
ROUNDS: Final = 5
WITH_SLA: Final = BREACHES * (3 * ROUNDS + 10)
"""Each round of a measurement uses separate tickets; the others are never due."""

OPENING: Final = Opening(
    *("Payments fail", "", Priority.HIGH, "incident_response", "u_1"),
    sla=targets_for(Priority.HIGH, SlaTerms()),
)
SELECT_TICKETS: Final = """
CREATE TABLE selected AS
    SELECT id, (row_number() OVER (ORDER BY id) - 1) / $1::int AS part FROM tickets LIMIT $2
"""
START_TIMERS: Final = """
UPDATE tickets SET
    status = 'OPEN', version = 1, sla_version = 1, created_at = now() - interval '31 minutes',
    updated_at = now() - interval '31 minutes', response_due_at = now() - interval '1 minute',
    resolution_due_at = now() + interval '449 minutes', next_due_at = now() + interval '1 day'
FROM selected WHERE tickets.id = selected.id
"""
INSERT_CREATED: Final = """
INSERT INTO ticket_status_history
SELECT id, 1, created_at, 'u_1', 'created', NULL, 'OPEN', 2, 1, $1, '\\x00'
FROM selected JOIN tickets USING (id)
"""
MAKE_DUE: Final = """
UPDATE tickets SET next_due_at = response_due_at
FROM selected WHERE tickets.id = selected.id AND part = $1
"""
MAKE_STALE: Final = """
UPDATE tickets SET sla_version = 0, response_due_at = NULL, created_at = now() FROM selected
WHERE tickets.id = selected.id AND part = $1
"""
MAKE_RECENT: Final = """
UPDATE ticket_status_history SET at = now() FROM selected
WHERE ticket_status_history.ticket = selected.id AND part = $1
"""
RECORD_BREACHES: Final = """
WITH breached AS (
    UPDATE tickets SET
        version = version + 1, sla_version = version + 1, updated_at = now(),
        response_breached = true, next_due_at = resolution_due_at,
        head_digest = sha256(
            head_digest || convert_to(json_build_array(tickets.id, now())::text, 'UTF8')
        )
    FROM selected WHERE tickets.id = selected.id AND part = $1
    RETURNING tickets.id, version, head_digest
)
INSERT INTO ticket_status_history
SELECT id, version, now(), 'system', 'sla_breach', NULL, 'response', 0, 1, '{}', head_digest
FROM breached
"""
TITLE: Final = f"""\
Milliseconds for {BREACHES:,} of {TICKETS:,} tickets, of which {WITH_SLA:,} have running timers
Medians of {ROUNDS} rounds; embedded PostgreSQL, default settings; one connection"""
CAPTION: Final = f"""\
one statement: an UPDATE with an INSERT that writes the same rows, without computing due times
sweep: locks batches of {BATCH_TICKETS} tickets, reads their histories, and writes the entries
ratio: the time relative to the one statement"""

Measure = Callable[[int], Awaitable[float]]
"""Processes a part of the tickets; returns the milliseconds."""


def main() -> None:
    """Print medians and ratios."""
    with temporary_server() as url:
        times = uvloop.run(measure(url))
    print_table(table_of(times))


async def measure(url: str) -> dict[str, float]:
    """Create the tickets; return the median time of each measurement."""
    await declare(url)
    await insert_tickets(url, TICKETS)
    async with open_database(url, 1) as database, unchecked(url) as connection:
        await connection.execute(SELECT_TICKETS, BREACHES, WITH_SLA)
        await connection.execute(START_TIMERS)
        await connection.execute(INSERT_CREATED, OPENING.details)
        await connection.execute(VACUUM)
        measurements: dict[str, Measure] = {
            "one statement": partial(time_one_statement, connection),
            "sweep, all breached": partial(time_breaches, connection, database),
            "sweep, all stale": partial(time_stale, connection, database),
            "sweep, nothing to do": partial(time_sweep, database, expected=0),
            "grace periods, nothing to do": partial(time_auto_close, database),
        }
        times: dict[str, list[float]] = {name: [] for name in measurements}
        for round_ in range(ROUNDS):
            for index, (name, measurement) in enumerate(measurements.items()):
                times[name].append(await measurement(index * ROUNDS + round_))
    return {name: median(taken) for name, taken in times.items()}


async def time_one_statement(connection: asyncpg.Connection, part: int) -> float:
    """Write the rows of a sweep in one statement."""
    await connection.execute(MAKE_DUE, part)
    start = perf_counter()
    await connection.execute(RECORD_BREACHES, part)
    return 1_000 * (perf_counter() - start)


async def time_breaches(connection: asyncpg.Connection, database: Database, part: int) -> float:
    """Record the breaches of a part."""
    await connection.execute(MAKE_DUE, part)
    return await time_sweep(database)


async def time_stale(connection: asyncpg.Connection, database: Database, part: int) -> float:
    """Update the due times of a part that has no breaches."""
    await connection.execute(MAKE_RECENT, part)
    await connection.execute(MAKE_STALE, part)
    return await time_sweep(database)


async def time_auto_close(database: Database, _part: int) -> float:
    """Look for tickets whose grace period is over."""
    start = perf_counter()
    await close_resolved_tickets(database)
    return 1_000 * (perf_counter() - start)


async def time_sweep(database: Database, _part: int = 0, *, expected: int = BREACHES) -> float:
    """Sweep as a server does.

    Raises:
        RuntimeError: the number of swept tickets is not the expected one.

    """
    start = perf_counter()
    count = await sweep_due_times(database)
    taken = 1_000 * (perf_counter() - start)
    if count != expected:
        raise RuntimeError(f"{count} tickets were swept, not {expected}")
    return taken


def table_of(times: dict[str, float]) -> Table:
    """Return the medians with their ratios."""
    columns = number_columns("ms", "tickets per second", "ratio")
    table = new_table("measurement", *columns, title=TITLE, caption=CAPTION)
    for name, taken in times.items():
        is_idle = name.endswith("nothing to do")
        per_second = "" if is_idle else f"{1_000 * BREACHES / taken:,.0f}"
        ratio = "" if is_idle else f"{taken / times['one statement']:.1f}"
        table.add_row(name, f"{taken:,.1f}", per_second, ratio)
    return table


if __name__ == "__main__":
    main()
