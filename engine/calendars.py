"""Working time: how much of it passes between two moments, and when so much of it has passed.

Without a calendar every second counts. With one, only those within its working hours on days that
are no holidays do, in its time zone. Hours are read off a clock on the wall, so a shift over a
change to summer time is an hour shorter, and one over the change back an hour longer. Hours that
the clock leaps over begin or end with the leap; of hours that it shows twice the first are meant.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final, Self
from zoneinfo import ZoneInfo

from engine import limits

DAY: Final = timedelta(days=1)
SECOND: Final = timedelta(seconds=1)
MIDNIGHT: Final = time(0)
END_OF_DAY: Final = "24:00"
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Shift:
    """Working hours of one day, by the clock on the wall.

    Attributes:
        end: when they end; midnight stands for the end of the day.

    """

    start: time
    end: time

    @classmethod
    def of(cls, text: str) -> Self:
        """Return a shift such as `09:00-17:00`; `24:00` is the end of the day.

        Raises:
            ValueError: it is none, or does not end after it starts.

        """
        start, _, end = text.partition("-")
        is_late = end == END_OF_DAY
        shift = cls(time.fromisoformat(start), MIDNIGHT if is_late else time.fromisoformat(end))
        if not is_late and shift.end <= shift.start:
            raise ValueError(text)
        return shift

    def __str__(self) -> str:
        end = END_OF_DAY if self.end == MIDNIGHT else f"{self.end:%H:%M}"
        return f"{self.start:%H:%M}-{end}"


@dataclass(frozen=True, slots=True)
class Calendar:
    """When work is done.

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

        What takes longer than `limits.CALENDAR_DAYS` is taken to end with the last shift of them.
        """
        end = start
        for begin, end in self.stretches(start):
            if working <= end - begin:
                return begin + working
            working -= end - begin
        return end

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
        start = start.astimezone(UTC)
        first = start.astimezone(ZoneInfo(self.zone)).date() - DAY
        for number in range(limits.CALENDAR_DAYS):
            for begin, end in self.shifts_on(first + number * DAY):
                if end > max(begin, start):
                    yield max(begin, start), end

    def shifts_on(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        """Yield the shifts of a day, in UTC."""
        if day in self.holidays:
            return
        for shift in self.week[day.weekday()]:
            last = day + DAY if shift.end == MIDNIGHT else day
            yield self.moment(day, shift.start), self.moment(last, shift.end)

    def moment(self, day: date, on_the_wall: time) -> datetime:
        """Return when the clock on the wall first shows a time, or leaps over it."""
        shown = datetime.combine(day, on_the_wall, ZoneInfo(self.zone))
        moment = shown.astimezone(UTC)
        is_shown = moment.astimezone(shown.tzinfo).replace(tzinfo=None) == shown.replace(
            tzinfo=None
        )
        return moment if is_shown else leap_before(moment, shown)


def leap_before(moment: datetime, skipped: datetime) -> datetime:
    """Return the moment of the leap over a time that no clock shows; `moment` comes after it."""
    before, after = skipped.replace(fold=1).astimezone(UTC), moment
    offset = after.astimezone(skipped.tzinfo).utcoffset()
    while after - before > SECOND:
        middle = before + (after - before) // 2
        if middle.astimezone(skipped.tzinfo).utcoffset() == offset:
            after = middle
        else:
            before = middle
    return after.replace(microsecond=0)


def add_working_time(calendar: Calendar | None, start: datetime, working: timedelta) -> datetime:
    """Return the moment by which so much time that counts has passed since `start`."""
    return start + working if calendar is None else calendar.after(start, working)


def working_time_between(calendar: Calendar | None, start: datetime, end: datetime) -> timedelta:
    """Return how much time that counts passes from `start` to `end`."""
    return end - start if calendar is None else calendar.between(start, end)
