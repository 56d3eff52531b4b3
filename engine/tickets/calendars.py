"""Working time: how much of it passes between two moments, and when so much of it has passed.

Without a calendar every second counts. With one, only those within its working hours on days that
are no holidays do, in its time zone: hours are read off a clock on the wall, so a shift over a
change to summer time is an hour shorter, and one over the change back an hour longer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from engine import limits

DAY: Final = timedelta(days=1)
MIDNIGHT: Final = time(0)
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Shift:
    """Working hours of one day, by the clock on the wall.

    Attributes:
        end: when they end; midnight stands for the end of the day.

    """

    start: time
    end: time


@dataclass(frozen=True, slots=True)
class Calendar:
    """When is work done.

    Attributes:
        zone: the time zone of the hours and the holidays, by its IANA name.
        week: the shifts of each weekday from Monday on, in their order, without overlaps; at least
            one day has one.
        holidays: days without shifts.

    """

    name: str
    zone: str
    week: tuple[tuple[Shift, ...], ...]
    holidays: frozenset[date] = frozenset()

    def after(self, start: datetime, working: timedelta) -> datetime:
        """Return the moment by which so much working time has passed since `start`.

        Raises:
            OverflowError: that takes longer than `limits.CALENDAR_DAYS`.

        """
        for begin, end in self.stretches(start):
            if working <= end - begin:
                return begin + working
            working -= end - begin
        raise OverflowError(self.name)

    def between(self, start: datetime, end: datetime) -> timedelta:
        """Return how much working time passes from `start` to `end`."""
        passed = timedelta(0)
        for begin, until in self.stretches(start):
            if begin >= end:
                break
            passed += min(until, end) - begin
        return passed

    def stretches(self, start: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Yield the stretches of working time from `start` on, in UTC."""
        first = start.astimezone(ZoneInfo(self.zone)).date() - DAY
        for number in range(limits.CALENDAR_DAYS):
            for begin, end in self.shifts_on(first + number * DAY):
                if end > start:
                    yield max(begin, start), end

    def shifts_on(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield the shifts of a day, in UTC."""
        if day in self.holidays:
            return
        for shift in self.week[day.weekday()]:
            last = day + DAY if shift.end == MIDNIGHT else day
            yield self.moment(day, shift.start), self.moment(last, shift.end)

    def moment(self, day: date, on_the_wall: time) -> datetime:
        """Return when the clock on the wall shows a time."""
        return datetime.combine(day, on_the_wall, ZoneInfo(self.zone)).astimezone(UTC)


def moment_after(calendar: Calendar | None, start: datetime, working: timedelta) -> datetime:
    """Return the moment by which so much time that counts has passed since `start`."""
    return start + working if calendar is None else calendar.after(start, working)


def time_between(calendar: Calendar | None, start: datetime, end: datetime) -> timedelta:
    """Return how much time that counts passes from `start` to `end`."""
    return end - start if calendar is None else calendar.between(start, end)
