"""The SLA targets of a ticket: its response time, its resolution time, and its calendar. Pure.

An entry that sets SLA targets has all of them in its details, including the calendar. So a later
declaration does not change the targets of existing tickets.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Final

from engine.calendars import WEEKDAYS, Calendar, Shift
from engine.declaration.durations import parse_duration
from engine.declaration.models import CatalogItem
from engine.declaration.sla_models import ALWAYS, PrioritySla, WorkingCalendar
from engine.vocabulary import Priority

TARGETS_KEY: Final = "sla"
"""The key of the SLA targets in the details of an entry."""
DEFAULT_SLA: Final = PrioritySla()
"""The SLA targets of the priorities if none are declared."""


@dataclass(frozen=True, slots=True)
class TicketTargets:
    """The SLA targets of one ticket.

    Attributes:
        response: from creation until a user picks up the ticket.
        resolution: from creation until the ticket is resolved.
        origin: the source of the targets, for display: a priority, a catalog item or a user id.
        by_priority: whether a change of priority sets new targets.
        calendar: only its working time counts; all time counts if it is None.

    """

    response: timedelta
    resolution: timedelta
    origin: str
    by_priority: bool = False
    calendar: Calendar | None = None

    @property
    def data(self) -> dict[str, object]:
        """The targets as JSON; times in seconds."""
        calendar = self.calendar
        return {
            "response": int(self.response.total_seconds()),
            "resolution": int(self.resolution.total_seconds()),
            "origin": self.origin,
            "by_priority": self.by_priority,
            "calendar": calendar
            and {
                "name": calendar.name,
                "zone": calendar.zone,
                "week": [list(map(str, shifts)) for shifts in calendar.week],
                "holidays": sorted(day.isoformat() for day in calendar.holidays),
            },
        }


@dataclass(frozen=True, slots=True)
class SlaTerms:
    """The declared SLA targets and calendars.

    Attributes:
        sla: the SLA targets of each priority.
        calendars: declared calendars by name; at least those that are needed.

    """

    sla: PrioritySla = DEFAULT_SLA
    calendars: Mapping[str, WorkingCalendar] = field(default_factory=dict)

    def calendar_name(self, source: CatalogItem | Priority) -> str:
        """Return the name of the calendar for tickets of an item or a priority."""
        if isinstance(source, Priority):
            return self.sla.of(source).calendar
        own = source.sla and source.sla.calendar
        return own or self.sla.of(source.defaults.priority).calendar

    def calendar_for(self, source: CatalogItem | Priority) -> Calendar | None:
        """Return the calendar for tickets of an item or a priority; None if all time counts."""
        name = self.calendar_name(source)
        if name == ALWAYS:
            return None
        return calendar_of(self.calendars[name])


def calendar_of(declared: WorkingCalendar) -> Calendar:
    """Return a declared calendar as a value."""
    week = (getattr(declared.hours, day) for day in WEEKDAYS)
    return _build_calendar(declared.name, declared.time_zone, week, declared.holidays)


def targets_for(source: CatalogItem | Priority, terms: SlaTerms) -> TicketTargets:
    """Return the SLA targets for a new ticket of a catalog item or a priority.

    A ticket of an item without SLA targets has those of its priority.
    """
    if isinstance(source, Priority):
        by_priority = terms.sla.of(source)
        return TicketTargets(
            parse_duration(by_priority.response),
            parse_duration(by_priority.resolution),
            origin=f"the priority {source}",
            by_priority=True,
            calendar=terms.calendar_for(source),
        )
    if source.sla is None:
        return targets_for(source.defaults.priority, terms)
    return TicketTargets(
        parse_duration(source.sla.response),
        parse_duration(source.sla.resolution),
        origin=f"the catalog item {source.name}",
        calendar=terms.calendar_for(source),
    )


def parse_targets(details: str | None) -> TicketTargets | None:
    """Return the SLA targets in the details of an entry; None if there are no targets."""
    data = (json.loads(details) if details else {}).get(TARGETS_KEY)
    if data is None:
        return None
    return TicketTargets(
        response=timedelta(seconds=data["response"]),
        resolution=timedelta(seconds=data["resolution"]),
        origin=data["origin"],
        by_priority=data["by_priority"],
        calendar=_build_calendar(**data["calendar"]) if data["calendar"] else None,
    )


def _build_calendar(
    name: str, zone: str, week: Iterable[Iterable[str]], holidays: Iterable[str]
) -> Calendar:
    return Calendar(
        name=name,
        zone=zone,
        week=tuple(tuple(map(Shift.parse, shifts)) for shifts in week),
        holidays=frozenset(map(date.fromisoformat, holidays)),
    )
