"""The clock of a server is compared with that of the database."""

from datetime import UTC, datetime
from itertools import chain

import pytest
from prometheus_client import CollectorRegistry
from structlog.testing import capture_logs

from api.runtime.clock_watch import ClockWatch
from engine.storage.postgres.database import open_database
from tests.support.database_clock import DatabaseClock
from tests.support.lock_gates import Observer

NOON = datetime(2030, 1, 1, 12, 0, tzinfo=UTC).timestamp()
"""What the clock of the database shows."""
DIFFER = "the clocks of this server and of the database differ"
AGREE = "the clocks agree again"

CASES: dict[str, tuple[tuple[float, float], float, list[str]]] = {
    "equal clocks": ((0, 0), 0, []),
    "two seconds ahead": ((2, 2), 2, []),
    "more than two seconds ahead": ((2.5, 2.5), 2.5, [DIFFER]),
    "more than two seconds behind": ((-2.5, -2.5), -2.5, [DIFFER]),
    "a slow response, maybe equal clocks": ((-8, 2), -3, []),
    "a slow response, certainly behind": ((-8, -2.5), -5.25, [DIFFER]),
}


async def measure(
    observer: Observer, url: str, *readings: tuple[float, float]
) -> tuple[float, list[str]]:
    """Check several times; return the metric and the logged events.

    Args:
        observer: of the database, whose clock always shows noon.
        url: the address of the database.
        readings: how far the server is ahead of noon, before and after it asks the database.

    """
    await DatabaseClock.install(observer)
    seconds = chain.from_iterable(readings)
    registry = CollectorRegistry()
    async with open_database(url) as database:
        watch = ClockWatch(database, lambda: NOON + next(seconds))
        for collector in watch.collectors:
            registry.register(collector)
        with capture_logs() as logged:
            for _ in readings:
                await watch.check()
    difference = registry.get_sample_value("interlock_clock_difference_seconds")
    assert difference is not None
    return difference, [each["event"] for each in logged]


@pytest.mark.parametrize(("readings", "difference", "events"), CASES.values(), ids=CASES)
async def test_a_difference_is_measured_and_reported(
    observer: Observer,
    database_url: str,
    readings: tuple[float, float],
    difference: float,
    events: list[str],
) -> None:
    assert await measure(observer, database_url, readings) == (difference, events)


async def test_each_difference_is_reported_once(observer: Observer, database_url: str) -> None:
    readings = [(each, each) for each in (3, 4, -3, 1, 0, 5)]
    _, events = await measure(observer, database_url, *readings)
    assert events == [DIFFER, AGREE, DIFFER]
