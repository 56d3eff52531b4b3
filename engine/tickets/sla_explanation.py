"""Why a ticket is due when it is, item by item. Pure."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from engine.tickets.sla_timers import SlaTimers, Timer


@dataclass(frozen=True, slots=True)
class SlaReason:
    """One line of why a ticket is due when it is.

    Attributes:
        text: for people.
        at: the moment that it is about, if it is about one.
        adds: the time that it adds to the due time, if it does.

    """

    text: str
    at: datetime | None = None
    adds: timedelta | None = None


def explain_due_time(sla: SlaTimers, timer: Timer) -> tuple[SlaReason, ...]:
    """Return why a timer is due when it is, item by item; the last one is the due time."""
    promise = sla.targets
    target = promise.response if timer is Timer.RESPONSE else promise.resolution
    breached = dict(sla.breached).get(timer)
    return (
        SlaReason("opened", at=sla.opened_at),
        SlaReason(f"{timer} promised by {promise.origin}", adds=target),
        *(
            SlaReason(
                "RESOLVED or CLOSED until it was re-opened", pause.end, sla.counted_time(pause)
            )
            for pause in sla.pauses_of(timer)
        ),
        *(
            (SlaReason(f"only working hours of {promise.calendar.name} count"),)
            if promise.calendar
            else ()
        ),
        *((SlaReason("missed, when it was due then", at=breached),) if breached else ()),
        SlaReason("due", at=sla.due_at(timer)),
    )
