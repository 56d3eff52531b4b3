"""What is promised for a ticket: targets for its timers, and whose hours count.

A promise stands in the details of the entry that makes it, whole, so that no later declaration
changes what was promised.
"""

import json
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final

from engine.tickets.calendars import Calendar, Shift
from engine.vocabulary import Priority

KEY: Final = "sla"
"""Under which the details of an entry hold a promise."""


@dataclass(frozen=True, slots=True)
class Promise:
    """Targets for a ticket.

    Attributes:
        response: until somebody has picked it up.
        resolution: until it is resolved.
        origin: who promises, for people: a priority, a catalog item, or whoever filled in the form.
        by_priority: a change of priority promises anew.
        calendar: whose working hours count; None if every second does.

    """

    response: timedelta
    resolution: timedelta
    origin: str
    by_priority: bool = False
    calendar: Calendar | None = None

    @property
    def data(self) -> dict[str, object]:
        """The promise as JSON has it; times in seconds."""
        return {
            "response": self.response.total_seconds(),
            "resolution": self.resolution.total_seconds(),
            "origin": self.origin,
            "by_priority": self.by_priority,
            "calendar": None if self.calendar is None else calendar_data(self.calendar),
        }


def hours(number: int) -> timedelta:
    """Return so many hours."""
    return timedelta(hours=number)


TARGETS: Final = {
    Priority.CRITICAL: (timedelta(minutes=5), hours(2)),
    Priority.HIGH: (timedelta(minutes=30), hours(8)),
    Priority.MEDIUM: (hours(2), timedelta(days=1)),
    Priority.LOW: (timedelta(days=1), timedelta(days=5)),
}
"""Response and resolution by priority (design section 1)."""


def promise_by(priority: Priority, calendar: Calendar | None = None) -> Promise:
    """Return what a priority promises."""
    response, resolution = TARGETS[priority]
    return Promise(response, resolution, priority, by_priority=True, calendar=calendar)


def promise_in(details: str | None) -> Promise | None:
    """Return the promise that the details of an entry hold; None if they hold none."""
    data = (json.loads(details) if details else {}).get(KEY)
    if data is None:
        return None
    return Promise(
        response=timedelta(seconds=data["response"]),
        resolution=timedelta(seconds=data["resolution"]),
        origin=data["origin"],
        by_priority=data["by_priority"],
        calendar=calendar_in(data["calendar"]) if data["calendar"] else None,
    )


def calendar_data(calendar: Calendar) -> dict[str, object]:
    """Return a calendar as JSON has it."""
    return {
        "name": calendar.name,
        "zone": calendar.zone,
        "week": [
            [f"{each.start:%H:%M}-{each.end:%H:%M}" for each in shifts] for shifts in calendar.week
        ],
        "holidays": sorted(day.isoformat() for day in calendar.holidays),
    }


def calendar_in(data: dict[str, object]) -> Calendar:
    """Return the calendar that JSON holds."""
    week, holidays = data["week"], data["holidays"]
    if not isinstance(week, list) or not isinstance(holidays, list):
        raise TypeError(data)
    return Calendar(
        name=str(data["name"]),
        zone=str(data["zone"]),
        week=tuple(tuple(map(shift_in, shifts)) for shifts in week),
        holidays=frozenset(map(date.fromisoformat, holidays)),
    )


def shift_in(text: str) -> Shift:
    """Return a shift such as `09:00-17:00`.

    Raises:
        ValueError: it is none.

    """
    start, _, end = text.partition("-")
    return Shift(time.fromisoformat(start), time.fromisoformat(end))
