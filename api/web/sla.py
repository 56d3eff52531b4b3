"""The SLA state of a ticket in words. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from api.web.formats import duration
from engine.tickets.sla_timers import SlaTimers, Timer

DUE_SOON: Final = timedelta(hours=1)
"""A target whose due time is nearer than this is due soon."""


class SlaKind(StrEnum):
    """The state of the SLA target that is due next."""

    ON_TRACK = "on-track"
    DUE_SOON = "due-soon"
    MISSED = "missed"
    PAUSED = "paused"
    MET = "met"


_ICONS: Final = {
    SlaKind.ON_TRACK: "schedule",
    SlaKind.DUE_SOON: "timelapse",
    SlaKind.MISSED: "error",
    SlaKind.PAUSED: "pause_circle",
    SlaKind.MET: "check_circle",
}
_NAMES: Final = {Timer.RESPONSE: "Response", Timer.RESOLUTION: "Resolution"}


@dataclass(frozen=True, slots=True)
class SlaState:
    """The state of the target that is due next.

    Attributes:
        text: the state in words, as of the time of the page.
        due_at: when the target is due, if its timer runs.
        counts_down: the name of the target, if a script can count down to it: without a calendar.

    """

    kind: SlaKind
    text: str
    due_at: datetime | None = None
    counts_down: str = ""

    @property
    def icon(self) -> str:
        """The name of the icon for the state."""
        return _ICONS[self.kind]


def sla_state(timers: SlaTimers | None, now: datetime) -> SlaState | None:
    """Return the state of a ticket's SLA; None for a ticket without SLA targets."""
    if timers is None:
        return None
    timer = Timer.RESPONSE if timers.is_running(Timer.RESPONSE) else Timer.RESOLUTION
    name = _NAMES[timer]
    if missed := timers.breached_at(timer, now):
        return SlaState(SlaKind.MISSED, f"{name} missed {duration(now - missed)} ago")
    if not timers.is_running(timer):
        missed_any = any(timers.breached_at(each, now) for each in Timer)
        kind = SlaKind.MISSED if missed_any else SlaKind.MET
        return SlaState(kind, "Target missed" if missed_any else "Targets met")
    due, remaining = timers.due_at(timer), timers.remaining(timer, now) or timedelta()
    kind = SlaKind.DUE_SOON if due - now < DUE_SOON else SlaKind.ON_TRACK
    counts_down = "" if timers.targets.calendar else name
    return SlaState(kind, f"{name} due in {duration(remaining)}", due, counts_down)
