"""Working time: how much passes between two times, and when a given amount has passed.

Shifts are in the local time of the calendar's time zone. A shift over the change to summer time is
an hour shorter, one over the change back an hour longer. A shift that starts or ends at a local
time that the clock skips starts or ends at the change; of a local time that occurs twice, the first
counts.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from engine import limits

_DAY: Final = timedelta(days=1)
_SECOND: Final = timedelta(seconds=1)
MIDNIGHT: Final = time(0)
_END_OF_DAY: Final = "24:00"
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Shift:
    """Working hours of one day, in local time.

    Attributes:
        end: midnight means the end of the day.

    """

    start: time
    end: time

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse a shift such as `09:00-17:00`; `24:00` is the end of the day.

        Raises:
            ValueError: the text is not a shift, or the shift ends before it starts.

        """
        start, _, end = text.partition("-")
        is_late = end == _END_OF_DAY
        shift = cls(time.fromisoformat(start), MIDNIGHT if is_late else time.fromisoformat(end))
        if not is_late and shift.end <= shift.start:
            raise ValueError(text)
        return shift

    def __str__(self) -> str:
        end = _END_OF_DAY if self.end == MIDNIGHT else f"{self.end:%H:%M}"
        return f"{self.start:%H:%M}-{end}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """Working hours and holidays.

    Attributes:
        zone: the IANA name of the time zone of shifts and holidays.
        week: the shifts of each weekday from Monday, in order and without overlaps. At least one
            weekday has a shift.
        holidays: days without shifts.

    """

    name: str
    zone: str
    week: tuple[tuple[Shift, ...], ...]
    holidays: frozenset[date] = frozenset()

    def add(self, start: datetime, working: timedelta) -> datetime:
        """Return when `working` of working time has passed since `start`.

        The search ends with the last shift within `limits.CALENDAR_DAYS`.
        """
        end = start
        for begin, end in self._working_intervals(start):
            if working <= end - begin:
                return begin + working
            working -= end - begin
        return end

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time passes from `start` to `end`."""
        passed = timedelta(0)
        for begin, until in self._working_intervals(start):
            if begin >= end:
                break
            passed += min(until, end) - begin
        return passed

    def _working_intervals(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the intervals of working time from `start`, in UTC."""
        start = start.astimezone(UTC)
        first = start.astimezone(ZoneInfo(self.zone)).date() - _DAY
        for number in range(limits.CALENDAR_DAYS):
            for begin, end in self.shifts_on(first + number * _DAY):
                if end > max(begin, start):
                    yield max(begin, start), end

    def shifts_on(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield the start and end of the shifts of a day, in UTC."""
        if day in self.holidays:
            return
        for shift in self.week[day.weekday()]:
            last = day + _DAY if shift.end == MIDNIGHT else day
            yield self._to_utc(day, shift.start), self._to_utc(last, shift.end)

    def _to_utc(self, day: date, local_time: time) -> datetime:
        """Return when a local time first occurs; if the clock skips it, when the clock changes."""
        local = datetime.combine(day, local_time, ZoneInfo(self.zone))
        utc = local.astimezone(UTC)
        occurs = utc.astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None)
        return utc if occurs else _clock_change(utc, local)


def _clock_change(after: datetime, skipped: datetime) -> datetime:
    """Return when the clock skips a local time, by bisection; `after` is later."""
    before = skipped.replace(fold=1).astimezone(UTC)
    offset = after.astimezone(skipped.tzinfo).utcoffset()
    while after - before > _SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(skipped.tzinfo).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def add_working_time(calendar: Calendar | None, start: datetime, working: timedelta) -> datetime:
    """Return when `working` has passed since `start`; without a calendar, all time counts."""
    return start + working if calendar is None else calendar.add(start, working)


def working_time_between(calendar: Calendar | None, start: datetime, end: datetime) -> timedelta:
    """Return how much time counts from `start` to `end`; without a calendar, all of it."""
    return end - start if calendar is None else calendar.between(start, end)
