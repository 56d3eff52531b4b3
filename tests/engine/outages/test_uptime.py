"""The uptime of a period, compared with a count of its minutes."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from engine import limits
from engine.calendars import Calendar, Shift
from engine.outages.health_intervals import (
    HealthInterval,
    TimeSpan,
    group_intervals,
    group_status,
    with_maintenance,
)
from engine.outages.uptime import Uptime, UptimeTarget, uptime
from engine.outages.uptime_explanation import explain_uptime
from engine.vocabulary import ServiceStatus

MINUTE = timedelta(minutes=1)
HOUR = 60
START = datetime(2026, 4, 27, tzinfo=UTC)
DAY = 24 * HOUR
OFFICE = Calendar("office", "Europe/Budapest", ((Shift.parse("09:00-17:00"),),) * 5 + ((), ()))
NIGHTS = Calendar("nights", "UTC", ((Shift.parse("22:00-24:00"),),) * 7)

OPERATIONAL, DEGRADED, DOWN, MAINTENANCE, UNKNOWN = (
    ServiceStatus.OPERATIONAL,
    ServiceStatus.DEGRADED,
    ServiceStatus.DOWN,
    ServiceStatus.MAINTENANCE,
    ServiceStatus.UNKNOWN,
)


def at(minute: int) -> datetime:
    return START + minute * MINUTE


def span(start: int, end: int) -> TimeSpan:
    return TimeSpan(at(start), at(end))


def history(*steps: tuple[int, ServiceStatus], until: int) -> list[HealthInterval]:
    """Return intervals that start at these minutes; the last one ends at `until`."""
    ends = [*(minute for minute, _ in steps[1:]), until]
    return [
        HealthInterval(at(minute), at(end), status)
        for (minute, status), end in zip(steps, ends, strict=True)
    ]


def target(percent: str, calendar: Calendar | None = None) -> UptimeTarget:
    return UptimeTarget(Fraction(percent), calendar)


EXAMPLES = {
    "no outage": (history((0, OPERATIONAL), until=DAY), 100.0, 0),
    "an hour": (history((0, OPERATIONAL), (60, DOWN), (120, OPERATIONAL), until=DAY), 95.833, 60),
    "degraded is not down": (history((0, DEGRADED), until=DAY), 100.0, 0),
    "only maintenance": (history((0, MAINTENANCE), until=DAY), None, 0),
    "nothing recorded": ([], None, 0),
    "half unknown": (history((0, UNKNOWN), (DAY // 2, DOWN), until=DAY), 0.0, DAY // 2),
    "maintenance makes the rest weigh more": (
        history((0, MAINTENANCE), (DAY // 2, OPERATIONAL), (DAY - 72, DOWN), until=DAY),
        90.0,
        72,
    ),
    "outside the period": (
        history((-DAY, DOWN), (0, OPERATIONAL), (DAY, DOWN), until=2 * DAY),
        100.0,
        0,
    ),
}


@pytest.mark.parametrize("name", EXAMPLES)
def test_uptime(name: str) -> None:
    intervals, percent, down = EXAMPLES[name]
    result = uptime(intervals, span(0, DAY))
    assert (result.percent, result.down) == (percent, down * MINUTE)


def test_a_second_of_downtime_in_a_year_is_not_100_percent() -> None:
    down = HealthInterval(at(0), at(0) + timedelta(seconds=1), DOWN)
    up = HealthInterval(down.end, at(365 * DAY), OPERATIONAL)
    assert uptime([down, up], span(0, 365 * DAY)).percent == 99.999


def test_the_budget_is_that_of_the_whole_period_and_can_be_exceeded() -> None:
    """A month with the target 99.4 % allows 4 h 19 min 12 s, as in the first week of it."""
    week = history((0, OPERATIONAL), (60, DOWN), (60 + 68, OPERATIONAL), until=7 * DAY)
    month = uptime(week, span(0, 30 * DAY), target("99.4"))
    assert month.budget == timedelta(hours=4, minutes=19, seconds=12)
    assert month.remaining == timedelta(hours=3, minutes=11, seconds=12)
    exceeded = uptime(week, span(0, 7 * DAY), target("99.9"))
    assert exceeded.remaining == timedelta(minutes=10, seconds=4.8) - 68 * MINUTE


def test_only_the_working_time_of_the_calendar_counts() -> None:
    down = history((0, OPERATIONAL), (6 * HOUR, DOWN), (8 * HOUR, OPERATIONAL), until=7 * DAY)
    result = uptime(down, span(0, 7 * DAY), target("97.5", OFFICE))
    assert result.agreed == timedelta(hours=40)
    assert result.down == timedelta(hours=1), "in Budapest, the day begins at 07:00 UTC"
    assert (result.percent, result.budget) == (97.5, timedelta(hours=1))
    assert result.remaining == timedelta(0)


def texts(result: Uptime) -> list[tuple[str, float]]:
    return [(each.text, each.counts / MINUTE) for each in explain_uptime(result)]


def test_the_explanation_lists_every_item() -> None:
    intervals = with_maintenance(
        history((0, OPERATIONAL), (60, DOWN), (120, UNKNOWN), (130, OPERATIONAL), until=DAY),
        [span(90, 100)],
    )
    assert texts(uptime(intervals, span(0, DAY), target("99"))) == [
        ("the period; all time counts", 1440),
        ("maintenance does not count", -10),
        ("the status is not known; not measured", -10),
        ("the budget: the target is 99 % of the agreed time", 14.3),
        ("DOWN", 30),
        ("DOWN", 20),
        ("the downtime", 50),
    ]


def test_the_explanation_sums_up_the_shortest_of_many_outages() -> None:
    shown = limits.UPTIME_REASONS
    steps = [(minute, (DOWN, OPERATIONAL)[minute % 2]) for minute in range(4 * shown)]
    items = texts(uptime(history(*steps, until=DAY), span(0, DAY)))
    assert len(items) == shown + 3
    assert items[-2:] == [(f"DOWN: {shown} shorter times", shown), ("the downtime", 2 * shown)]


STATUSES = st.sampled_from(ServiceStatus)
_LAST = 3 * DAY


@st.composite
def histories(draw: st.DrawFn) -> list[HealthInterval]:
    """Draw a history without gaps that can start late and end early."""
    minutes = sorted(draw(st.sets(st.integers(0, _LAST), min_size=2, max_size=12)))
    return history(*((each, draw(STATUSES)) for each in minutes[:-1]), until=minutes[-1])


SPANS = st.tuples(st.integers(0, _LAST), st.integers(1, DAY)).map(
    lambda each: span(each[0], each[0] + each[1])
)


def minutes_of(period: TimeSpan) -> list[datetime]:
    return [period.start + each * MINUTE for each in range((period.end - period.start) // MINUTE)]


def status_at(intervals: Sequence[HealthInterval], minute: datetime) -> ServiceStatus | None:
    return next((each.status for each in intervals if each.start <= minute < each.end), None)


def is_working(calendar: Calendar | None, minute: datetime) -> bool:
    return calendar is None or calendar.between(minute, minute + MINUTE) == MINUTE


@given(
    st.lists(histories(), min_size=1, max_size=3),
    st.lists(SPANS, max_size=3),
    SPANS,
    st.sampled_from([None, OFFICE, NIGHTS]),
)
@example([history((0, DOWN), until=10)], [span(2, 5), span(4, 7)], span(0, 20), None)
def test_uptime_counts_as_if_minute_by_minute(
    services: list[list[HealthInterval]],
    windows: list[TimeSpan],
    period: TimeSpan,
    calendar: Calendar | None,
) -> None:
    counts = Counter[str]()
    for minute in minutes_of(period):
        if is_working(calendar, minute):
            planned = any(each.start <= minute < each.end for each in windows)
            statuses = [MAINTENANCE if planned else status_at(each, minute) for each in services]
            known = [each for each in statuses if each is not None]
            counts[group_status(known) if known else UNKNOWN] += 1
    result = uptime(
        group_intervals([with_maintenance(each, windows) for each in services]),
        period,
        target("99.5", calendar),
    )
    agreed = counts.total() - counts[MAINTENANCE]
    measured = agreed - counts[UNKNOWN]
    assert result.agreed == agreed * MINUTE
    assert result.measured == measured * MINUTE
    assert result.down == counts[DOWN] * MINUTE
    assert result.budget == agreed * MINUTE / 200
    if measured:
        exact = Fraction(measured - counts[DOWN], measured) * 100
        assert 0 <= exact - Fraction(result.percent or 0) < Fraction("0.0011")


@given(st.lists(histories(), max_size=4))
def test_intervals_of_a_group_are_in_order_without_overlaps(
    services: list[list[HealthInterval]],
) -> None:
    found = group_intervals(services)
    assert all(each.start < each.end for each in found)
    assert all(one.end <= next_one.start for one, next_one in pairwise(found))


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ((), UNKNOWN),
        ((OPERATIONAL, UNKNOWN), OPERATIONAL),
        ((OPERATIONAL, MAINTENANCE), MAINTENANCE),
        ((MAINTENANCE, DEGRADED), DEGRADED),
        ((MAINTENANCE, DEGRADED, DOWN, OPERATIONAL), DOWN),
    ],
)
def test_the_status_of_a_group(
    statuses: tuple[ServiceStatus, ...], expected: ServiceStatus
) -> None:
    assert group_status(statuses) is expected
