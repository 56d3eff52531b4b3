"""The uptime of a service or a group in a period. Pure.

Three amounts of time decide. The agreed time is that of the calendar, without maintenance. The
measured time is the part of it in which the status was known. The downtime is the part of it in
which the status was DOWN.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cached_property
from typing import Final

from engine import limits
from engine.calendars import Calendar, working_time_between
from engine.errors import InvalidInput
from engine.outages.health_intervals import HealthInterval, TimeSpan
from engine.vocabulary import ServiceStatus

_MICROSECOND: Final = timedelta(microseconds=1)
_KNOWN: Final = frozenset({ServiceStatus.OPERATIONAL, ServiceStatus.DEGRADED, ServiceStatus.DOWN})
_PERCENT_STEPS: Final = 1000
"""A percentage has three decimals."""


@dataclass(frozen=True, slots=True)
class UptimeTarget:
    """The least uptime of a group.

    Attributes:
        percent: such as 99.9.
        calendar: the working time that counts; None: all time.

    """

    percent: Fraction
    calendar: Calendar | None = None


@dataclass(frozen=True, slots=True)
class CountedInterval:
    """The part of a health interval that is in a period, and how much of it counts."""

    interval: HealthInterval
    counts: timedelta


@dataclass(frozen=True)
class Uptime:
    """The uptime in a period.

    Attributes:
        target: sets the budget and the calendar; None without one.
        counted: the intervals of the period in order. Time that none of them covers, such as the
            future, is agreed but not measured.

    """

    period: TimeSpan
    target: UptimeTarget | None
    counted: Sequence[CountedInterval]

    @property
    def calendar(self) -> Calendar | None:
        """The working time that counts; None: all time."""
        return None if self.target is None else self.target.calendar

    @cached_property
    def total(self) -> timedelta:
        """The time of the calendar in the period."""
        return working_time_between(self.calendar, self.period.start, self.period.end)

    @cached_property
    def agreed(self) -> timedelta:
        """The time that counts: the total without maintenance."""
        return self.total - self._sum(frozenset({ServiceStatus.MAINTENANCE}))

    @cached_property
    def measured(self) -> timedelta:
        """The part of the agreed time in which the status was known."""
        return self._sum(_KNOWN)

    @cached_property
    def down(self) -> timedelta:
        """The downtime."""
        return self._sum(frozenset({ServiceStatus.DOWN}))

    @property
    def percent(self) -> float | None:
        """The share of the measured time without downtime; None if nothing was measured.

        It is rounded down to three decimals, so that it is 100 only without any downtime.
        """
        if not self.measured:
            return None
        up = self.measured - self.down
        return up * 100 * _PERCENT_STEPS // self.measured / _PERCENT_STEPS

    @property
    def budget(self) -> timedelta | None:
        """How much downtime the target allows in the whole period; None without a target."""
        if self.target is None:
            return None
        allowed = 1 - self.target.percent / 100
        return _MICROSECOND * int(allowed * (self.agreed // _MICROSECOND))

    @property
    def remaining(self) -> timedelta | None:
        """What is left of the budget, negative if it is exceeded; None without a target."""
        return None if (budget := self.budget) is None else budget - self.down

    def _sum(self, statuses: frozenset[ServiceStatus]) -> timedelta:
        counted = (each.counts for each in self.counted if each.interval.status in statuses)
        return sum(counted, timedelta(0))


def uptime_period(start: datetime, end: datetime) -> TimeSpan:
    """Return a period for which an uptime can be calculated.

    Raises:
        InvalidInput: it ends before it starts, or is too long.

    """
    if end <= start:
        raise InvalidInput("The period must end after it starts.", start=start, end=end)
    if end - start > timedelta(days=limits.UPTIME_DAYS):
        raise InvalidInput(
            f"The period is longer than {limits.UPTIME_DAYS} days. Ask for several shorter ones.",
            days=(end - start).days,
        )
    return TimeSpan(start, end)


def uptime(
    intervals: Iterable[HealthInterval], period: TimeSpan, target: UptimeTarget | None = None
) -> Uptime:
    """Return the uptime in a period.

    Args:
        intervals: in order and without overlaps; MAINTENANCE where windows exclude time.
        period: its end can be in the future.
        target: sets the budget and the calendar.

    """
    calendar = None if target is None else target.calendar
    parts = (
        each.within(period.start, period.end)
        for each in intervals
        if each.overlaps(period.start, period.end)
    )
    counted = [
        CountedInterval(each, working_time_between(calendar, each.start, each.end))
        for each in parts
    ]
    return Uptime(period, target, counted)
