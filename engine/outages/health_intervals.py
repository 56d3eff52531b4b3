"""Health intervals: the times in which a service had one status. Pure."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from engine.sealing.chain import chained_digest
from engine.vocabulary import ServiceStatus

_BY_PRECEDENCE: Final = (
    ServiceStatus.DOWN,
    ServiceStatus.DEGRADED,
    ServiceStatus.MAINTENANCE,
    ServiceStatus.OPERATIONAL,
)


@dataclass(frozen=True, slots=True)
class TimeSpan:
    """The time from `start` until before `end`."""

    start: datetime
    end: datetime

    def overlaps(self, start: datetime, end: datetime) -> bool:
        """Return whether any time is both in this span and in the other one."""
        return self.start < end and start < self.end


@dataclass(frozen=True, slots=True)
class HealthInterval(TimeSpan):
    """A time in which a service, or a group of services, had one status."""

    status: ServiceStatus

    def within(self, start: datetime, end: datetime) -> "HealthInterval":
        """Return the part that is in a time that it overlaps."""
        return HealthInterval(max(self.start, start), min(self.end, end), self.status)


def interval_digest(before: bytes, row: Mapping[str, object]) -> bytes:
    """Return the digest of a recorded interval.

    Args:
        before: the digest of the service's previous interval; empty for the first one.
        row: the columns of `health_intervals`.

    """
    names = ("service", "seq", "status", "started_at", "ended_at", "source")
    return chained_digest(before, [row[name] for name in names])


def group_status(statuses: Iterable[ServiceStatus]) -> ServiceStatus:
    """Return the status of a group whose services have these statuses.

    A group is DOWN while any of its services is. Planned work on one service does not hide the
    outage of another, and a service that was never reported does not hide the others.
    """
    found = set(statuses)
    return next((each for each in _BY_PRECEDENCE if each in found), ServiceStatus.UNKNOWN)


def group_intervals(services: Sequence[Sequence[HealthInterval]]) -> list[HealthInterval]:
    """Return the intervals of a group of services, from those of each of its services."""
    if len(services) == 1:
        return list(services[0])
    changes: dict[datetime, list[tuple[int, ServiceStatus | None]]] = {}
    for number, intervals in enumerate(services):
        for each in intervals:
            changes.setdefault(each.start, []).append((number, each.status))
            # An interval that follows at once is after it in the list, so its status wins.
            changes.setdefault(each.end, []).insert(0, (number, None))
    return list(_sweep(changes))


def _sweep(
    changes: Mapping[datetime, Sequence[tuple[int, ServiceStatus | None]]],
) -> Iterator[HealthInterval]:
    """Yield the intervals between the times at which services change their status."""
    current: dict[int, ServiceStatus] = {}
    open_since: tuple[datetime, ServiceStatus] | None = None
    for at in sorted(changes):
        for number, status in changes[at]:
            if status is None:
                current.pop(number, None)
            else:
                current[number] = status
        status = group_status(current.values()) if current else None
        if open_since is not None and open_since[1] is not status:
            yield HealthInterval(open_since[0], at, open_since[1])
            open_since = None
        if open_since is None and status is not None:
            open_since = (at, status)


def with_maintenance(
    intervals: Iterable[HealthInterval], windows: Iterable[TimeSpan]
) -> list[HealthInterval]:
    """Return the intervals of a service with MAINTENANCE during its maintenance windows.

    The windows count from their exact start to their exact end, also where no report was recorded.
    """
    merged = _merge(windows)
    outside = [part for each in intervals for part in _without(each, merged)]
    inside = [HealthInterval(each.start, each.end, ServiceStatus.MAINTENANCE) for each in merged]
    return sorted([*outside, *inside], key=lambda each: each.start)


def _merge(spans: Iterable[TimeSpan]) -> list[TimeSpan]:
    """Return spans without overlaps that cover the same time."""
    merged: list[TimeSpan] = []
    for each in sorted(spans, key=lambda span: span.start):
        if merged and each.start <= merged[-1].end:
            merged[-1] = TimeSpan(merged[-1].start, max(merged[-1].end, each.end))
        elif each.start < each.end:
            merged.append(each)
    return merged


def _without(interval: HealthInterval, spans: Sequence[TimeSpan]) -> Iterator[HealthInterval]:
    """Yield the parts of an interval that are in none of the ordered spans."""
    start = interval.start
    for span in spans:
        if span.overlaps(start, interval.end):
            if start < span.start:
                yield HealthInterval(start, span.start, interval.status)
            start = span.end
    if start < interval.end:
        yield HealthInterval(start, interval.end, interval.status)
