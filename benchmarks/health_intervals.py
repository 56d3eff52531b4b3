"""Reading the health of 90 days after ten years of records, against reading it after 90 days."""

import asyncio
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Final

from benchmarks.databases import (
    VACUUM,
    declare,
    disable_sync,
    execute_unchecked,
    temporary_server,
)
from benchmarks.tables import comparison_table, print_table
from benchmarks.timing import Seconds, medians_by_name, timed
from engine.outages.health_intervals import TimeSpan
from engine.storage.outages.health_intervals import read_health
from engine.storage.postgres.database import Database, open_database

SERVICES: Final = 10
SHOWN_DAYS: Final = 90
LONG_DAYS: Final = 3_650
TITLE: Final = f"""\
Milliseconds to read {SHOWN_DAYS} days of {SERVICES} services whose status changes each hour,
with records of {LONG_DAYS:,} days and of {SHOWN_DAYS} days; medians of alternating rounds"""
_FILL: Final = """
WITH filled AS (
    INSERT INTO health_intervals (service, seq, status, started_at, ended_at, source, digest)
    SELECT path, hour, CASE WHEN hour % 2 = 0 THEN 'OPERATIONAL' ELSE 'DOWN' END,
        now() - ($2 * 24 - hour + 1) * interval '1 hour',
        now() - ($2 * 24 - hour) * interval '1 hour', 'benchmark', sha256('')
    FROM (SELECT $1 || number AS path FROM generate_series(1, $3) AS numbers (number)) AS paths,
        generate_series(1, $2 * 24) AS hours (hour)
    RETURNING service, seq
)
INSERT INTO service_health
    (service, status, since, reported_at, message, interval_seq, interval_digest)
SELECT service, 'OPERATIONAL', now(), now(), '', max(seq), sha256('')
FROM filled GROUP BY service
"""
_SIZE: Final = """
SELECT pg_total_relation_size('health_intervals') / count(*) FROM health_intervals
"""


async def _read(database: Database, name: str) -> Seconds:
    """Time one read of the days that the status page shows."""
    seconds: Seconds = {}
    now = datetime.now(UTC)
    paths = [f"{name}{number}" for number in range(1, SERVICES + 1)]
    with timed(seconds, name):
        found = await read_health(database, paths, TimeSpan(now - timedelta(days=SHOWN_DAYS), now))
    read = sum(len(each) for each in found.intervals.values())
    if read < SERVICES * SHOWN_DAYS * 24:
        raise RuntimeError(f"read {read} intervals")
    return seconds


async def _measure(url: str) -> None:
    await declare(url)
    await disable_sync(url)
    for name, days in (("long", LONG_DAYS), ("short", SHOWN_DAYS)):
        await execute_unchecked(url, _FILL, name, days, SERVICES)
    await execute_unchecked(url, VACUUM)
    async with open_database(url) as database:
        works = [partial(_read, database, each) for each in ("long", "short")]
        found = await medians_by_name(*works)
        async with database.pool.acquire() as connection:
            size = await connection.fetchval(_SIZE)
    long, short = found["long"], found["short"]
    row = (
        "after ten years",
        f"{long * 1e3:.1f}",
        f"after {SHOWN_DAYS} days",
        f"{short * 1e3:.1f}",
        f"{long / short:.2f}",
    )
    print_table(comparison_table([row], title=TITLE, caption=f"{size} bytes per interval"))


def main() -> None:
    """Print both times, their ratio, and the bytes of an interval on disk."""
    with temporary_server() as url:
        asyncio.run(_measure(url))


if __name__ == "__main__":
    main()
