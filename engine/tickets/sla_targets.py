"""What is promised for a ticket: targets for its timers, and whose hours count.

A promise stands in the details of the entry that makes it, whole, so that no later declaration
changes what was promised.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from engine.calendars import WEEKDAYS, Calendar, Shift
from engine.declaration.durations import parse_duration
from engine.declaration.models import CatalogItem
from engine.declaration.sla_models import ALWAYS, PrioritySla, WorkingCalendar
from engine.vocabulary import Priority

TARGETS_KEY: Final = "sla"
"""Under which the details of an entry hold a promise."""
DEFAULT_SLA: Final = PrioritySla()
"""What priorities promise if nothing is declared (design section 1)."""


@dataclass(frozen=True, slots=True)
class TicketTargets:
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
            "response": int(self.response.total_seconds()),
            "resolution": int(self.resolution.total_seconds()),
            "origin": self.origin,
            "by_priority": self.by_priority,
            "calendar": None if self.calendar is None else calendar_data(self.calendar),
        }


@dataclass(frozen=True, slots=True)
class SlaTerms:
    """What is declared about promises.

    Attributes:
        sla: what each priority promises.
        calendars: by name, at least those that are named where a promise is asked for.

    """

    sla: PrioritySla = DEFAULT_SLA
    calendars: Mapping[str, WorkingCalendar] = field(default_factory=dict)

    def calendar_name(self, source: CatalogItem | Priority) -> str:
        """Return the name of the calendar whose time counts for an item or a priority."""
        if isinstance(source, Priority):
            return self.sla.of(source).calendar
        own = source.sla and source.sla.calendar
        return own or self.sla.of(source.defaults.priority).calendar

    def calendar(self, name: str) -> Calendar | None:
        """Return the calendar of that name; None for the one by which every second counts."""
        return None if name == ALWAYS else calendar_of(self.calendars[name])


def targets_for(source: CatalogItem | Priority, terms: SlaTerms) -> TicketTargets:
    """Return what a catalog item promises, or a priority.

    An item without targets of its own promises what its priority does, as the priority itself.
    """
    if isinstance(source, Priority):
        return promise_by(source, terms)
    targets = source.sla
    if targets is None:
        return promise_by(source.defaults.priority, terms)
    return TicketTargets(
        parse_duration(targets.response),
        parse_duration(targets.resolution),
        origin=f"the catalog item {source.name}",
        calendar=terms.calendar(terms.calendar_name(source)),
    )


def promise_by(priority: Priority, terms: SlaTerms) -> TicketTargets:
    """Return what a priority promises."""
    targets = terms.sla.of(priority)
    return TicketTargets(
        parse_duration(targets.response),
        parse_duration(targets.resolution),
        origin=f"the priority {priority}",
        by_priority=True,
        calendar=terms.calendar(terms.calendar_name(priority)),
    )


def parse_targets(details: str | None) -> TicketTargets | None:
    """Return the promise that the details of an entry hold; None if they hold none."""
    data = (json.loads(details) if details else {}).get(TARGETS_KEY)
    if data is None:
        return None
    return TicketTargets(
        response=timedelta(seconds=data["response"]),
        resolution=timedelta(seconds=data["resolution"]),
        origin=data["origin"],
        by_priority=data["by_priority"],
        calendar=calendar_in(data["calendar"]) if data["calendar"] else None,
    )


def calendar_of(declared: WorkingCalendar) -> Calendar:
    """Return a declared calendar as what counts."""
    week = (getattr(declared.hours, day) for day in WEEKDAYS)
    return Calendar(
        name=declared.name,
        zone=declared.time_zone,
        week=tuple(tuple(map(Shift.of, shifts)) for shifts in week),
        holidays=frozenset(map(date.fromisoformat, declared.holidays)),
    )


def calendar_data(calendar: Calendar) -> dict[str, object]:
    """Return a calendar as JSON has it."""
    return {
        "name": calendar.name,
        "zone": calendar.zone,
        "week": [list(map(str, shifts)) for shifts in calendar.week],
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
        week=tuple(tuple(map(Shift.of, shifts)) for shifts in week),
        holidays=frozenset(map(date.fromisoformat, holidays)),
    )
