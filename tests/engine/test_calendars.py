"""Working time, compared with a count of the minutes that a local clock shows."""

import zoneinfo
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import limits
from engine.calendars import MIDNIGHT, Calendar, Shift, add_working_time, working_time_between
from engine.declaration.shifts import parse_time_zone

MINUTE = timedelta(minutes=1)
HOUR = timedelta(hours=1)
ZONES = {
    "Europe/Budapest": (date(2026, 3, 29), date(2026, 10, 25)),
    "America/New_York": (date(2026, 3, 8), date(2026, 11, 1)),
    "Australia/Lord_Howe": (date(2026, 10, 4), date(2026, 4, 5)),
    "Asia/Kolkata": (date(2026, 1, 1), date(2026, 7, 1)),
    "America/Havana": (date(2026, 3, 8), date(2026, 11, 1)),
    "Pacific/Apia": (date(2011, 12, 30), date(2011, 12, 31)),
}
"""Time zones and the days on which their clocks change: by an hour, by half an hour, never, at
midnight and by a whole day."""


@pytest.fixture
def no_zone_data() -> Iterator[None]:
    """Hide the time zone data of the machine."""
    zoneinfo.reset_tzpath(to=())
    ZoneInfo.clear_cache()
    yield
    zoneinfo.reset_tzpath()
    ZoneInfo.clear_cache()


@pytest.mark.usefixtures("no_zone_data")
@pytest.mark.parametrize("zone", ZONES)
def test_time_zones_do_not_depend_on_the_machine(zone: str) -> None:
    assert zoneinfo.TZPATH == ()
    assert parse_time_zone(zone).key == zone


def calendar(
    *shifts: str, zone: str = "Europe/Budapest", days: range = range(5), holidays: str = ""
) -> Calendar:
    """Return a calendar with these shifts on some weekdays, by default Monday to Friday."""
    hours = tuple(map(Shift.parse, shifts))
    week = tuple(hours if day in days else () for day in range(7))
    return Calendar("office", zone, week, frozenset(map(date.fromisoformat, holidays.split())))


OFFICE = calendar("09:00-17:00", holidays="2026-05-01")
SPLIT = calendar("09:00-12:00", "13:00-17:30")
EVERY_DAY = calendar("00:00-24:00", days=range(7))
NIGHTS = calendar("00:00-06:00", "22:00-24:00", days=range(7))


def at(text: str, zone: str = "Europe/Budapest") -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone))


ADDED = {
    "within a day": (OFFICE, "2026-04-28T09:00", 2 * HOUR, "2026-04-28T11:00"),
    "before the first shift": (OFFICE, "2026-04-28T03:00", 2 * HOUR, "2026-04-28T11:00"),
    "overnight": (OFFICE, "2026-04-28T16:00", 2 * HOUR, "2026-04-29T10:00"),
    "until the end of a day": (OFFICE, "2026-04-28T09:00", 8 * HOUR, "2026-04-28T17:00"),
    "over a holiday and a weekend": (OFFICE, "2026-04-30T16:00", 2 * HOUR, "2026-05-04T10:00"),
    "over lunch": (SPLIT, "2026-04-28T11:30", 1 * HOUR, "2026-04-28T13:30"),
    "from a Saturday": (OFFICE, "2026-05-02T12:00", 1 * HOUR, "2026-05-04T10:00"),
    "when clocks go forward": (EVERY_DAY, "2026-03-28T12:00", 24 * HOUR, "2026-03-29T13:00"),
    "when clocks go back": (EVERY_DAY, "2026-10-24T12:00", 24 * HOUR, "2026-10-25T11:00"),
    "a shift over midnight": (NIGHTS, "2026-04-28T23:00", 2 * HOUR, "2026-04-29T01:00"),
    "the night that is an hour shorter": (NIGHTS, "2026-03-28T22:00", 7 * HOUR, "2026-03-29T06:00"),
    "the night that is an hour longer": (NIGHTS, "2026-10-24T22:00", 9 * HOUR, "2026-10-25T06:00"),
}


@pytest.mark.parametrize(("calendar", "start", "working", "end"), ADDED.values(), ids=ADDED)
def test_add_and_between_agree(
    calendar: Calendar, start: str, working: timedelta, end: str
) -> None:
    assert calendar.add(at(start), working) == at(end)
    assert calendar.between(at(start), at(end)) == working


def test_a_skipped_local_time_starts_or_ends_at_the_clock_change() -> None:
    change = datetime(2026, 3, 29, 1, tzinfo=UTC)
    shifts = calendar("01:30-02:15", "02:15-02:45", "02:45-04:00", days=range(7))
    day = date(2026, 3, 29)
    assert list(shifts.shifts_on(day)) == [
        (change - HOUR / 2, change),
        (change, change),
        (change, change + HOUR),
    ]


def test_of_a_repeated_local_time_the_first_counts() -> None:
    shifts = calendar("02:15-02:45", days=range(7))
    first = datetime(2026, 10, 25, 0, 15, tzinfo=UTC)
    assert list(shifts.shifts_on(date(2026, 10, 25))) == [(first, first + HOUR / 2)]


def test_add_stops_at_the_last_shift_within_the_limit() -> None:
    start = at("2026-04-27T09:00")
    end = OFFICE.add(start, timedelta(days=limits.CALENDAR_DAYS))
    assert end - start > timedelta(days=limits.CALENDAR_DAYS - 7)
    assert end <= start + timedelta(days=limits.CALENDAR_DAYS)


INVALID = ("22:00-06:00", "09:00-09:00", "24:00-09:00", "00:00-00:00", "9-17", "09:00", "")


@pytest.mark.parametrize("text", INVALID)
def test_a_shift_must_be_within_one_day(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Shift.parse(text)


@pytest.mark.parametrize("text", ["00:00-24:00", "09:00-17:30", "23:59-24:00"])
def test_a_shift_is_written_as_it_is_parsed(text: str) -> None:
    assert str(Shift.parse(text)) == text


# --- compared with every minute -----------------------------------------------------------------


def local_minutes(zone: str, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield each minute with its local time; after a change back the local time stays the same."""
    minute = start.astimezone(UTC) - timedelta(days=2)
    latest = datetime(1, 1, 1)  # noqa: DTZ001  # local times have no zone
    while minute < end:
        shown = minute.astimezone(ZoneInfo(zone)).replace(tzinfo=None)
        latest = max(latest, shown)
        if minute >= start:
            yield minute, latest
        minute += MINUTE


def is_working(calendar: Calendar, shown: datetime) -> bool:
    shifts = () if shown.date() in calendar.holidays else calendar.week[shown.weekday()]
    return any(
        shift.start <= shown.time() and (shift.end == MIDNIGHT or shown.time() < shift.end)
        for shift in shifts
    )


def counted_minutes(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    return MINUTE * sum(
        is_working(calendar, shown) for _, shown in local_minutes(calendar.zone, start, end)
    )


@st.composite
def shifts(draw: st.DrawFn) -> tuple[Shift, ...]:
    """Draw shifts of a day, in order and without overlaps."""
    edges = draw(st.lists(st.integers(0, 96), max_size=6, unique=True).map(sorted))
    pairs = zip(edges[::2], edges[1::2], strict=False)
    return tuple(Shift(quarter(start), quarter(end)) for start, end in pairs)


def quarter(number: int) -> time:
    return time(number // 4 % 24, number % 4 * 15)


WEEKS = st.tuples(*(shifts() for _ in range(7))).filter(any)


@st.composite
def calendars(draw: st.DrawFn) -> tuple[Calendar, datetime]:
    """Draw a calendar, and a time near a day on which its clocks change."""
    zone = draw(st.sampled_from([*ZONES]))
    change = draw(st.sampled_from(ZONES[zone]))
    near = st.dates(change - timedelta(days=3), change + timedelta(days=3))
    calendar = Calendar("drawn", zone, draw(WEEKS), draw(st.frozensets(near, max_size=2)))
    midnight = datetime.combine(change, MIDNIGHT, UTC)
    minutes = st.integers(-3 * 24 * 60, 3 * 24 * 60).map(lambda count: count * MINUTE)
    return calendar, midnight + draw(minutes)


SPANS = st.integers(0, 3 * 24 * 60).map(lambda count: count * MINUTE)


@given(calendars(), SPANS)
@settings(deadline=None, max_examples=60)
def test_between_counts_the_minutes_of_working_hours(
    drawn: tuple[Calendar, datetime], span: timedelta
) -> None:
    calendar, start = drawn
    assert calendar.between(start, start + span) == counted_minutes(calendar, start, start + span)


@given(calendars(), SPANS.filter(bool))
@settings(deadline=None)
def test_add_returns_the_earliest_time(
    drawn: tuple[Calendar, datetime], working: timedelta
) -> None:
    calendar, start = drawn
    end = calendar.add(start, working)
    assert calendar.between(start, end) == working
    assert calendar.between(start, end - MINUTE) < working


@given(calendars(), SPANS)
@settings(deadline=None)
def test_no_working_time_passes_between_the_result_of_add_and_the_end(
    drawn: tuple[Calendar, datetime], span: timedelta
) -> None:
    calendar, start = drawn
    end = start + span
    passed = calendar.between(start, end)
    if passed:
        reached = calendar.add(start, passed)
        assert reached <= end
        assert calendar.between(reached, end) == timedelta()


@given(calendars(), SPANS, SPANS)
@settings(deadline=None)
def test_working_time_is_additive(
    drawn: tuple[Calendar, datetime], first: timedelta, second: timedelta
) -> None:
    calendar, start = drawn
    middle, end = start + first, start + first + second
    assert calendar.between(start, middle) + calendar.between(middle, end) == calendar.between(
        start, end
    )
    assert calendar.between(start, end) <= end - start


@given(st.datetimes(timezones=st.just(UTC)).filter(lambda each: each.year < 9000), SPANS)
def test_without_a_calendar_all_time_counts(start: datetime, span: timedelta) -> None:
    assert add_working_time(None, start, span) == start + span
    assert working_time_between(None, start, start + span) == span
