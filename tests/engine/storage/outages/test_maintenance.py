"""Maintenance windows give services their status on time, and hold back outage tickets."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest

from engine.errors import IdempotencyConflict, InvalidInput, NotFound
from engine.outages.health_intervals import TimeSpan
from engine.outages.maintenance import MaintenanceWindow, NewWindow
from engine.storage.outages.health_intervals import audit_health, read_health
from engine.storage.outages.maintenance import cancel_window, read_windows, schedule_window
from engine.storage.outages.waiting import handle_waiting_services
from engine.storage.outages.window_changes import follow_all_windows
from engine.storage.postgres.database import Database, open_database
from tests.support.database_clock import DatabaseClock
from tests.support.declared_resources import declare
from tests.support.lock_gates import Observer
from tests.support.monitored_services import (
    PATH,
    declare_service,
    outage_tickets,
    record,
    report,
)

NOON = datetime(2030, 1, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = TimeSpan(NOON - timedelta(days=1), NOON + timedelta(days=1))


def at(minute: int) -> datetime:
    return NOON + minute * MINUTE


def window(start: int, end: int, **more: object) -> NewWindow:
    scope = {"groups": ["payment-team"]} if "services" not in more else {}
    values = {"start": at(start), "end": at(end), "text": "We upgrade"}
    return NewWindow.parse(**values, **scope | more)


async def schedule(
    database: Database, start: int, end: int, key: str | None = None, **more: object
) -> MaintenanceWindow:
    return await schedule_window(database, window(start, end, **more), "k1", key)


@pytest.fixture
async def clock(observer: Observer) -> DatabaseClock:
    return await DatabaseClock.install(observer)


@pytest.fixture
async def timed(clock: DatabaseClock, database_url: str) -> AsyncIterator[Database]:  # noqa: ARG001  # connections are opened after the clock is installed
    async with open_database(database_url) as database:
        await declare_service(database)
        yield database


async def statuses(database: Database) -> list[tuple[str, int, int]]:
    recorded = await read_health(database, [PATH], DAY)
    async with database.snapshot() as session:
        assert [str(flaw) async for flaw in audit_health(session)] == []
    return [
        (each.status.value, (each.start - NOON) // MINUTE, (each.end - NOON) // MINUTE)
        for each in recorded.intervals.get(PATH, ())
    ]


async def test_a_window_counts_from_its_start_to_its_end_however_late_the_job_runs(
    timed: Database, clock: DatabaseClock
) -> None:
    await record(timed, "OPERATIONAL")
    await schedule(timed, 10, 20)
    await clock.show(at(13))
    await follow_all_windows(timed)
    assert await statuses(timed) == [("OPERATIONAL", 0, 10), ("MAINTENANCE", 10, 13)]
    await clock.show(at(25))
    await follow_all_windows(timed)
    assert await statuses(timed) == [
        ("OPERATIONAL", 0, 10),
        ("MAINTENANCE", 10, 20),
        ("OPERATIONAL", 20, 25),
    ]
    assert await follow_all_windows(timed) == 0


async def test_an_outage_in_a_window_opens_a_ticket_only_after_it(
    timed: Database, clock: DatabaseClock
) -> None:
    await record(timed, "OPERATIONAL")
    await schedule(timed, 10, 20)
    await clock.show(at(12))
    assert (await report(timed, "DOWN")).health.status == "MAINTENANCE"
    await handle_waiting_services(timed)
    assert await outage_tickets(timed) == []
    await clock.show(at(21))
    await follow_all_windows(timed)
    await handle_waiting_services(timed)
    assert len(await outage_tickets(timed)) == 1
    assert await statuses(timed) == [
        ("OPERATIONAL", 0, 10),
        ("MAINTENANCE", 10, 20),
        ("DOWN", 20, 21),
    ]


async def test_a_window_that_starts_before_the_hold_down_ends_holds_the_ticket_back(
    timed: Database, clock: DatabaseClock
) -> None:
    await declare_service(timed, holdDown="5m")
    await schedule(timed, 4, 20)
    await report(timed, "DOWN")
    await clock.show(at(6))
    await handle_waiting_services(timed)
    assert await outage_tickets(timed) == []
    assert await statuses(timed) == [("DOWN", 0, 4), ("MAINTENANCE", 4, 6)]


async def test_a_reported_maintenance_outlasts_a_window(
    timed: Database, clock: DatabaseClock
) -> None:
    await record(timed, "MAINTENANCE", source="calendar")
    await schedule(timed, 10, 20)
    await clock.show(at(30))
    await follow_all_windows(timed)
    await record(timed, "OPERATIONAL", source="calendar")
    await clock.show(at(40))
    assert await statuses(timed) == [("MAINTENANCE", 0, 30), ("OPERATIONAL", 30, 40)]


async def test_other_services_are_not_affected(timed: Database, clock: DatabaseClock) -> None:
    await declare_service(timed, "acme/other", slaGroup="other-team")
    await record(timed, "OPERATIONAL")
    await schedule(timed, 0, 20, services=["acme/other"])
    await clock.show(at(10))
    await follow_all_windows(timed)
    assert await statuses(timed) == [("OPERATIONAL", 0, 10)]


async def test_a_cancelled_window_ends_at_once(timed: Database, clock: DatabaseClock) -> None:
    await record(timed, "OPERATIONAL")
    scheduled = await schedule(timed, 0, 60)
    await clock.show(at(5))
    await follow_all_windows(timed)
    cancelled = await cancel_window(timed, scheduled.id, "k2")
    assert (cancelled.end, cancelled.cancelled_at) == (at(5), at(5))
    await clock.show(at(9))
    assert await cancel_window(timed, scheduled.id, "k3") == cancelled
    await follow_all_windows(timed)
    assert await statuses(timed) == [("MAINTENANCE", 0, 5), ("OPERATIONAL", 5, 9)]


async def test_declared_windows_count_as_requested_ones(
    timed: Database, clock: DatabaseClock
) -> None:
    services = [{"path": PATH, "slaGroup": "payment-team"}]
    declared = {
        "name": "upgrade",
        "start": at(10).isoformat(timespec="minutes"),
        "end": at(20).isoformat(timespec="minutes"),
        "services": [PATH],
        "text": "We upgrade",
    }
    await declare(timed, services=services, maintenance=[declared])
    await record(timed, "OPERATIONAL")
    await clock.show(at(15))
    await follow_all_windows(timed)
    assert await statuses(timed) == [("OPERATIONAL", 0, 10), ("MAINTENANCE", 10, 15)]
    [found] = await read_windows(timed, NOON)
    assert (found.id, found.declared, found.end) == ("upgrade", True, at(20))


async def test_an_idempotency_key_schedules_one_window(timed: Database) -> None:
    first = await schedule(timed, 10, 20, key="once")
    assert await schedule(timed, 10, 20, key="once") == first
    assert len(await read_windows(timed, NOON)) == 1
    with pytest.raises(IdempotencyConflict):
        await schedule(timed, 10, 21, key="once")
    assert await schedule_window(timed, window(10, 20), "k2", "once") != first


async def test_a_window_that_is_over_or_unknown_is_refused(timed: Database) -> None:
    with pytest.raises(InvalidInput, match="is over"):
        await schedule(timed, -20, -10)
    with pytest.raises(InvalidInput, match="No declared group is named 'unknown'"):
        await schedule(timed, 0, 10, groups=["unknown"])
    with pytest.raises(NotFound):
        await cancel_window(timed, "mw_0", "k1")


async def test_a_window_that_started_in_the_past_starts_now(timed: Database) -> None:
    assert (await schedule(timed, -10, 10)).start == NOON
