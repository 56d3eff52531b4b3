"""What was promised for a ticket, and whether it was kept: a pure function of its history.

Two timers begin when the ticket is opened (design section 1). *Response* stops when it first leaves
OPEN. *Resolution* stops while it is RESOLVED or CLOSED; re-opened, it goes on from where it stood,
so the time spent RESOLVED is added to the due time. A change of priority promises anew, from the
opening on, and keeps what was paused. A timer that runs past its due time is a breach, and stays
one whatever is promised later.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Final

from engine.tickets.calendars import moment_after, time_between
from engine.tickets.history import Entry, EntryKind
from engine.tickets.promises import Promise, promise_in
from engine.vocabulary import Status

STOPPED: Final = frozenset({Status.RESOLVED, Status.CLOSED})
NOTHING: Final = timedelta(0)


class Timer(StrEnum):
    """What is promised: that somebody picks the ticket up, and that it is resolved."""

    RESPONSE = "response"
    RESOLUTION = "resolution"


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which the ticket stood RESOLVED."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Sla:
    """The timers of a ticket after some of its history.

    Attributes:
        promise: what is promised now.
        opened_at: when both timers began.
        responded_at: when the ticket first left OPEN; None while it has not.
        stopped_at: since when it is RESOLVED or CLOSED; None while it is neither.
        pauses: the times that it was RESOLVED and then re-opened.
        breached: the timers that ran past their due time before the last change, with that time.

    """

    promise: Promise
    opened_at: datetime
    responded_at: datetime | None = None
    stopped_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    breached: tuple[tuple[Timer, datetime], ...] = ()

    @property
    def response_due_at(self) -> datetime:
        """When somebody must have picked the ticket up."""
        return moment_after(self.promise.calendar, self.opened_at, self.promise.response)

    @property
    def resolution_due_at(self) -> datetime:
        """When the ticket must be resolved."""
        working = self.promise.resolution + self.paused
        return moment_after(self.promise.calendar, self.opened_at, working)

    @property
    def paused(self) -> timedelta:
        """How much time that counts was spent RESOLVED before a re-opening."""
        calendar = self.promise.calendar
        times = (time_between(calendar, pause.begin, pause.end) for pause in self.pauses)
        return sum(times, NOTHING)

    def due_at(self, timer: Timer) -> datetime:
        """Return when a timer is due."""
        return self.response_due_at if timer is Timer.RESPONSE else self.resolution_due_at

    def runs(self, timer: Timer) -> bool:
        """Tell whether a timer runs."""
        ended = self.responded_at if timer is Timer.RESPONSE else self.stopped_at
        return ended is None

    def breached_at(self, timer: Timer, now: datetime) -> datetime | None:
        """Return the due time that a timer ran past, by `now`; None if it did not."""
        before = next((at for each, at in self.breached if each is timer), None)
        if before is not None or not self.runs(timer):
            return before
        due = self.due_at(timer)
        return due if due <= now else None

    def next_due_at(self) -> datetime | None:
        """Return when the next breach happens if nothing is done; None if none can."""
        known = {timer for timer, _ in self.breached}
        due = [self.due_at(each) for each in Timer if self.runs(each) and each not in known]
        return min(due, default=None)

    def remaining(self, timer: Timer, now: datetime) -> timedelta | None:
        """Return how much time that counts is left; zero after a breach, None if it is stopped."""
        if not self.runs(timer):
            return None
        due = self.due_at(timer)
        return NOTHING if due <= now else time_between(self.promise.calendar, now, due)


def begun(entry: Entry) -> Sla | None:
    """Return the timers that a `created` entry starts; None if nothing was promised."""
    promise = promise_in(entry.details)
    return None if promise is None else Sla(promise, entry.at)


def step(sla: Sla, entry: Entry) -> Sla:
    """Return the timers after one more entry."""
    sla = with_breaches_by(sla, entry.at)
    match entry.kind:
        case EntryKind.STATUS:
            return moved(sla, Status(str(entry.new_value)), entry.at)
        case EntryKind.PRIORITY:
            return replace(sla, promise=promise_in(entry.details) or sla.promise)
        case _:
            return sla


def with_breaches_by(sla: Sla, now: datetime) -> Sla:
    """Return the timers with every breach that has happened by a moment."""
    at = {timer: sla.breached_at(timer, now) for timer in Timer}
    breached = tuple((timer, due) for timer, due in at.items() if due is not None)
    return replace(sla, breached=breached)


def moved(sla: Sla, to: Status, at: datetime) -> Sla:
    """Return the timers after a transition."""
    if sla.responded_at is None and to is not Status.OPEN:
        sla = replace(sla, responded_at=at)
    if to in STOPPED:
        return replace(sla, stopped_at=sla.stopped_at or at)
    if sla.stopped_at is None:
        return sla
    return replace(sla, stopped_at=None, pauses=(*sla.pauses, Pause(sla.stopped_at, at)))


def sla_of(history: Iterable[Entry]) -> Sla | None:
    """Return the timers of a ticket after its whole history; None if nothing was promised."""
    first, *later = history
    sla = begun(first)
    return None if sla is None else reduce(step, later, sla)


@dataclass(frozen=True, slots=True)
class Reason:
    """One line of why a ticket is due when it is.

    Attributes:
        text: for people.
        at: the moment that it is about, if it is about one.
        adds: the time that it adds to the due time, if it does.

    """

    text: str
    at: datetime | None = None
    adds: timedelta | None = None


def explanation(sla: Sla, timer: Timer) -> tuple[Reason, ...]:
    """Return why a timer is due when it is, item by item; the last one is the due time."""
    promise = sla.promise
    target = promise.response if timer is Timer.RESPONSE else promise.resolution
    pauses = () if timer is Timer.RESPONSE else sla.pauses
    return (
        Reason("opened", at=sla.opened_at),
        Reason(f"{timer} promised by {promise.origin}", adds=target),
        *(
            Reason("spent RESOLVED until it was re-opened", pause.end, counted(sla, pause))
            for pause in pauses
        ),
        *(
            (Reason(f"only working hours of {promise.calendar.name} count"),)
            if promise.calendar
            else ()
        ),
        Reason("due", at=sla.due_at(timer)),
    )


def counted(sla: Sla, pause: Pause) -> timedelta:
    """Return how much of a pause counts."""
    return time_between(sla.promise.calendar, pause.begin, pause.end)
