"""Each past status of a service is recorded once, without gaps, and is never changed."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from engine.outages.health_intervals import TimeSpan
from engine.storage.outages.health_intervals import audit_health, read_health
from engine.storage.postgres.database import Database, open_database
from engine.vocabulary import ServiceStatus
from tests.support.database_clock import DatabaseClock
from tests.support.lock_gates import Observer
from tests.support.monitored_services import PATH, declare_service, record

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
"""What the clock shows first."""
MINUTE = timedelta(minutes=1)
ALL_TIME = TimeSpan(NOON - timedelta(days=1), NOON + timedelta(days=1))
RECORDED = "SELECT status, started_at, ended_at, source FROM health_intervals ORDER BY seq"


@pytest.fixture
async def clock(observer: Observer) -> DatabaseClock:
    return await DatabaseClock.install(observer)


@pytest.fixture
async def timed(clock: DatabaseClock, database_url: str) -> AsyncIterator[Database]:  # noqa: ARG001  # connections are opened after the clock is installed
    async with open_database(database_url) as database:
        await declare_service(database)
        yield database


async def flaws(database: Database) -> list[str]:
    async with database.snapshot() as session:
        return [str(each) async for each in audit_health(session)]


async def statuses(database: Database) -> list[tuple[str, int, int]]:
    """Return the recorded statuses, each with its first and last minute after noon."""
    recorded = await read_health(database, [PATH], ALL_TIME)
    return [
        (each.status.value, (each.start - NOON) // MINUTE, (each.end - NOON) // MINUTE)
        for each in recorded.intervals.get(PATH, ())
    ]


async def play(
    database: Database, clock: DatabaseClock, *steps: tuple[int, str, str]
) -> list[tuple[str, int, int]]:
    """Report statuses, each at a minute and by a source; return those of the next hour."""
    for minute, status, source in steps:
        await clock.show(NOON + minute * MINUTE)
        await record(database, status, source=source)
    await clock.show(NOON + 60 * MINUTE)
    return await statuses(database)


async def test_each_status_lasts_until_the_report_that_changes_it(
    timed: Database, clock: DatabaseClock, observer: Observer
) -> None:
    found = await play(
        timed,
        clock,
        (0, "OPERATIONAL", "probe"),
        (10, "DOWN", "probe"),
        (15, "DEGRADED", "latency"),
        (20, "OPERATIONAL", "probe"),
        (30, "OPERATIONAL", "latency"),
    )
    assert found == [
        ("OPERATIONAL", 0, 10),
        ("DOWN", 10, 20),
        ("DEGRADED", 20, 30),
        ("OPERATIONAL", 30, 60),
    ]
    rows = await observer.connection.fetch(RECORDED)
    assert [row["source"] for row in rows] == ["probe", "probe", "latency"]
    assert await flaws(timed) == []


async def test_repeated_reports_record_nothing(timed: Database, clock: DatabaseClock) -> None:
    steps = [(minute, "DOWN", f"probe {minute % 3}") for minute in range(20)]
    assert await play(timed, clock, *steps) == [("DOWN", 0, 60)]


async def test_a_service_without_reports_has_no_recorded_status(timed: Database) -> None:
    assert await statuses(timed) == []


async def test_a_clock_that_is_set_back_does_not_change_the_past(
    timed: Database, clock: DatabaseClock
) -> None:
    found = await play(
        timed,
        clock,
        (10, "DOWN", "probe"),
        (20, "OPERATIONAL", "probe"),
        (5, "DOWN", "probe"),
        (6, "OPERATIONAL", "probe"),
        (30, "DOWN", "probe"),
    )
    assert found == [("DOWN", 10, 20), ("OPERATIONAL", 20, 30), ("DOWN", 30, 60)]
    assert await flaws(timed) == []


async def test_servers_that_report_at_the_same_time_record_one_sequence(
    database: Database, database_url: str
) -> None:
    await declare_service(database)
    both = list(ServiceStatus)
    async with open_database(database_url) as other:
        await asyncio.gather(
            *(
                record((database, other)[number % 2], both[number % len(both)])
                for number in range(60)
            )
        )
    assert await flaws(database) == []


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE health_intervals SET status = 'OPERATIONAL'",
        "DELETE FROM health_intervals",
        "TRUNCATE health_intervals",
    ],
)
async def test_not_even_the_owner_changes_recorded_statuses(
    timed: Database, clock: DatabaseClock, owner: asyncpg.Connection, change: str
) -> None:
    await play(timed, clock, (0, "DOWN", "probe"), (1, "OPERATIONAL", "probe"))
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute(change)


TAMPERINGS = {
    "UPDATE health_intervals SET status = 'DEGRADED' WHERE seq = 2": "number 2 was changed",
    "UPDATE health_intervals SET ended_at = ended_at + interval '1s' WHERE seq = 1": (
        "number 1 was changed"
    ),
    "DELETE FROM health_intervals WHERE seq = 2": "number 2 is missing",
    "DELETE FROM health_intervals WHERE seq = 3": "2 statuses are recorded instead of 3",
    "DELETE FROM health_intervals": "0 statuses are recorded instead of 3",
    "UPDATE service_health SET since = since - interval '1h'": (
        "its current status does not start when the last recorded one ends"
    ),
    "UPDATE service_health SET interval_digest = 'x'": "its last recorded status was changed",
}


@pytest.mark.parametrize("change", TAMPERINGS)
async def test_the_audit_finds_changes(
    timed: Database, clock: DatabaseClock, owner: asyncpg.Connection, change: str
) -> None:
    down_and_up = [(each, ("DOWN", "OPERATIONAL")[each % 2], "probe") for each in range(4)]
    await play(timed, clock, *down_and_up)
    await owner.execute(f"SET session_replication_role = replica; {change}")
    [flaw] = await flaws(timed)
    assert flaw.startswith(f"service {PATH}: ")
    assert TAMPERINGS[change] in flaw
