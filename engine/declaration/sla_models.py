"""The models of SLA targets and calendars in the `ticketing:` section."""

from typing import Annotated, Final

from pydantic import Field

from engine import limits
from engine.declaration.fields import Declared, Duration, Holiday, Hours, Name, TimeZone
from engine.vocabulary import Priority

ALWAYS: Final = "always"
"""The built-in calendar, in which all time counts."""

Shifts = Annotated[tuple[Hours, ...], Field(strict=False, max_length=limits.CALENDAR_SHIFTS)]


class WorkingHours(Declared):
    """The shifts of each weekday in order, such as ["09:00-12:00", "13:00-17:00"].

    Split a shift over midnight: the first part ends at 24:00, the second starts at 00:00.
    """

    monday: Shifts = ()
    """On Mondays."""
    tuesday: Shifts = ()
    """On Tuesdays."""
    wednesday: Shifts = ()
    """On Wednesdays."""
    thursday: Shifts = ()
    """On Thursdays."""
    friday: Shifts = ()
    """On Fridays."""
    saturday: Shifts = ()
    """On Saturdays."""
    sunday: Shifts = ()
    """On Sundays."""


class WorkingCalendar(Declared):
    """Working hours and holidays for SLA targets that count only working time."""

    name: Name
    """The unique name, by which priorities and items refer to it. `always` is reserved."""
    time_zone: TimeZone
    """The time zone of the hours and holidays, such as Europe/Budapest."""
    hours: WorkingHours
    """The shifts of each weekday."""
    holidays: Annotated[
        tuple[Holiday, ...], Field(strict=False, max_length=limits.CALENDAR_HOLIDAYS)
    ] = ()
    """Dates without working hours, such as 2026-12-25."""


_Response = Annotated[
    Duration, Field(description="The time until the ticket is picked up, such as 10m.")
]
_Resolution = Annotated[
    Duration, Field(description="The time until the ticket is resolved, such as 4h.")
]


class PriorityTargets(Declared):
    """The SLA targets of a priority."""

    response: _Response
    resolution: _Resolution
    calendar: Name = ALWAYS
    """The name of the calendar whose working time counts; with `always`, all time counts."""


class CriticalTargets(PriorityTargets):
    """The SLA targets of CRITICAL tickets."""

    response: _Response = "5m"
    resolution: _Resolution = "2h"


class HighTargets(PriorityTargets):
    """The SLA targets of HIGH tickets."""

    response: _Response = "30m"
    resolution: _Resolution = "8h"


class MediumTargets(PriorityTargets):
    """The SLA targets of MEDIUM tickets."""

    response: _Response = "2h"
    resolution: _Resolution = "1d"


class LowTargets(PriorityTargets):
    """The SLA targets of LOW tickets."""

    response: _Response = "1d"
    resolution: _Resolution = "5d"


class PrioritySla(Declared):
    """The SLA targets of each priority."""

    critical: Annotated[CriticalTargets, Field(alias=Priority.CRITICAL.value)] = CriticalTargets()
    """For CRITICAL tickets."""
    high: Annotated[HighTargets, Field(alias=Priority.HIGH.value)] = HighTargets()
    """For HIGH tickets."""
    medium: Annotated[MediumTargets, Field(alias=Priority.MEDIUM.value)] = MediumTargets()
    """For MEDIUM tickets."""
    low: Annotated[LowTargets, Field(alias=Priority.LOW.value)] = LowTargets()
    """For LOW tickets."""

    def of(self, priority: Priority) -> PriorityTargets:
        """Return the SLA targets of a priority."""
        targets: PriorityTargets = getattr(self, priority.lower())
        return targets


class SlaTargets(Declared):
    """SLA targets that replace those of the priority."""

    response: _Response
    resolution: _Resolution
    calendar: Name | None = None
    """The name of the calendar whose working time counts; by default that of the priority."""
