"""Explains a due time, item by item. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.tickets.sla_timers import SlaTimers, Timer


@dataclass(frozen=True, slots=True)
class SlaReason:
    """One item of the explanation of a due time.

    Attributes:
        text: for display.
        at: the time of the event that the text describes, if any.
        adds: the time that the item adds to the due time, if any.

    """

    text: str
    at: datetime | None = None
    adds: timedelta | None = None


def explain_due_time(timers: SlaTimers, timer: Timer) -> tuple[SlaReason, ...]:
    """Return the explanation of the due time of a timer; the last item is the due time."""
    targets = timers.targets
    reasons = [
        SlaReason("opened", at=timers.opened_at),
        SlaReason(f"{timer} target set by {targets.origin}", adds=timers.target(timer)),
    ]
    reasons += [
        SlaReason("RESOLVED or CLOSED until re-opened", pause.end, timers.working_time(pause))
        for pause in timers.pauses_of(timer)
    ]
    if targets.calendar:
        reasons.append(SlaReason(f"only the working time of {targets.calendar.name} counts"))
    if breached_at := dict(timers.breached).get(timer):
        reasons.append(SlaReason("missed an earlier due time", at=breached_at))
    return (*reasons, SlaReason("due", at=timers.due_at(timer)))
