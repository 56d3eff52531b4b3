"""The words, icons and drawings of the status page. Pure."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

from api.web.formats import duration
from engine.outages.status_page import PublicDay, PublicGroup, StatusContent
from engine.vocabulary import ServiceStatus

WORDS: Final = {
    ServiceStatus.OPERATIONAL: "Operational",
    ServiceStatus.DEGRADED: "Degraded",
    ServiceStatus.DOWN: "Down",
    ServiceStatus.MAINTENANCE: "Maintenance",
    ServiceStatus.UNKNOWN: "Not known",
}
ICONS: Final = {
    ServiceStatus.OPERATIONAL: "M4 10.5l4 4 8-9",
    ServiceStatus.DEGRADED: "M10 3l8 14H2zM10 8v4M10 14v1",
    ServiceStatus.DOWN: "M5 5l10 10M15 5L5 15",
    ServiceStatus.MAINTENANCE: "M6 4v12M14 4v12",
    ServiceStatus.UNKNOWN: "M4 10h12",
}
"""The outline of the icon of each status, in a square of 20 by 20."""
_SUMMARIES: Final = {
    ServiceStatus.OPERATIONAL: "Everything works",
    ServiceStatus.DEGRADED: "Some services work with problems",
    ServiceStatus.DOWN: "Some services are down",
    ServiceStatus.MAINTENANCE: "Some services are in maintenance",
    ServiceStatus.UNKNOWN: "The status is not known",
}
BAR_HEIGHT: Final = 8
_BAR_TOPS: Final = {
    ServiceStatus.OPERATIONAL: 2,
    ServiceStatus.UNKNOWN: 2,
    ServiceStatus.MAINTENANCE: 1,
    ServiceStatus.DEGRADED: 1,
}
"""How far the bar of each status is below the top: without colour, outages are the highest bars."""


def summary(content: StatusContent) -> str:
    """Return the status of all groups together, in words."""
    return _SUMMARIES[content.status] if content.groups else "There are no services here yet"


def percent(value: float | None) -> str:
    """Return an uptime as text, not rounded up: `99.95 %`."""
    return "Not measured" if value is None else f"{value:.3f}".rstrip("0").rstrip(".") + " %"


def measured_time(days: Sequence[PublicDay]) -> str:
    """Return the time that an uptime describes: all days, or since the first with a status."""
    first = next((each.day for each in days if each.status is not ServiceStatus.UNKNOWN), None)
    if first is None or first == days[0].day:
        return f"in {len(days)} days"
    return f"since {first.day} {first:%B %Y}"


def budget(group: PublicGroup) -> str:
    """Return the remaining downtime budget, in words."""
    if not group.budget:
        return "The target allows no downtime."
    whole = f"the {duration(group.budget)} budget of this month"
    if group.remaining < timedelta(0):
        return f"{duration(-group.remaining)} more than {whole}"
    return f"{duration(group.remaining)} left of {whole}"


def bars(days: Sequence[PublicDay]) -> dict[ServiceStatus, str]:
    """Return the outline of the bars of the days with each status; a day is one unit wide.

    Successive days are one rectangle; the template draws the gaps between days over it. The bars of
    operational days continue behind higher ones, so that outages do not divide them. Filling closes
    the outlines.
    """
    statuses = [day.status for day in days]
    behind = [
        each if each is ServiceStatus.UNKNOWN else ServiceStatus.OPERATIONAL for each in statuses
    ]
    in_front = _outlines(statuses)
    in_front.pop(ServiceStatus.OPERATIONAL, None)
    return {ServiceStatus.OPERATIONAL: _outlines(behind)[ServiceStatus.OPERATIONAL], **in_front}


def _outlines(statuses: Sequence[ServiceStatus]) -> defaultdict[ServiceStatus, str]:
    outlines = defaultdict[ServiceStatus, str](str)
    position = 0
    for status, same in groupby(statuses):
        width, top = len(list(same)), _BAR_TOPS.get(status, 0)
        outlines[status] += f"M{position} {top}h{width}v{BAR_HEIGHT - top}h-{width}"
        position += width
    return outlines


def notable(days: Sequence[PublicDay]) -> list[PublicDay]:
    """Return the days that were not simply operational, the latest first."""
    normal = {ServiceStatus.OPERATIONAL, ServiceStatus.UNKNOWN}
    return [each for each in reversed(days) if each.status not in normal]


def day_words(day: PublicDay) -> str:
    """Return what happened on a day, in words."""
    return f"Down for {duration(day.down)}" if day.down else WORDS[day.status]


def clock(at: datetime) -> str:
    """Return a time with its zone: `14:03 UTC on 31 March 2030`."""
    utc = at.astimezone(UTC)
    return f"{utc:%H:%M} UTC on {utc.day} {utc:%B %Y}"
