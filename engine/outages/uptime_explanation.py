"""Explains an uptime, item by item. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from engine import limits
from engine.outages.health_intervals import TimeSpan
from engine.outages.uptime import Uptime
from engine.vocabulary import ServiceStatus


@dataclass(frozen=True, slots=True)
class UptimeReason:
    """One item of the explanation of an uptime.

    Attributes:
        text: for display.
        span: the time that the text describes; None for a sum.
        counts: its time; negative if it takes time away.

    """

    text: str
    span: TimeSpan | None
    counts: timedelta


def explain_uptime(uptime: Uptime) -> tuple[UptimeReason, ...]:
    """Return the explanation of an uptime; the last item is the downtime."""
    return tuple(_explain(uptime))


def _explain(uptime: Uptime) -> Iterator[UptimeReason]:
    calendar = uptime.calendar
    counts = f"the working time of {calendar.name}" if calendar else "all time"
    yield UptimeReason(f"the period; {counts} counts", uptime.period, uptime.total)
    yield from _longest(uptime, ServiceStatus.MAINTENANCE, "maintenance does not count", sign=-1)
    if unknown := uptime.agreed - uptime.measured:
        yield UptimeReason("the status is not known; not measured", None, -unknown)
    if uptime.target is not None and uptime.budget is not None:
        percent = f"{float(uptime.target.percent):g}"
        text = f"the budget: the target is {percent} % of the agreed time"
        yield UptimeReason(text, None, uptime.budget)
    yield from _longest(uptime, ServiceStatus.DOWN, "DOWN", sign=1)
    yield UptimeReason("the downtime", None, uptime.down)


def _longest(
    uptime: Uptime, status: ServiceStatus, text: str, *, sign: int
) -> Iterator[UptimeReason]:
    """Yield the longest intervals with a status in their order, and the sum of the others."""
    found = [each for each in uptime.counted if each.interval.status is status and each.counts]
    by_length = sorted(found, key=lambda each: each.counts, reverse=True)
    shown, rest = by_length[: limits.UPTIME_REASONS], by_length[limits.UPTIME_REASONS :]
    for each in sorted(shown, key=lambda counted: counted.interval.start):
        span = TimeSpan(each.interval.start, each.interval.end)
        yield UptimeReason(text, span, sign * each.counts)
    if rest:
        total = sum((each.counts for each in rest), timedelta(0))
        yield UptimeReason(f"{text}: {len(rest):,} shorter times", None, sign * total)
