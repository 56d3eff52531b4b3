"""What was promised for a ticket, and whether it was kept: a pure function of its history.

Two timers begin when the ticket is opened (design section 1). Both pause while it is RESOLVED or
CLOSED; re-opened, they go on from where they stood, so the time between is added to the due time.
*Response* stops for good when the ticket is first IN_PROGRESS: one that `system` closed, and that
is then re-opened, still waits for somebody. A change of priority promises anew, from the opening
on, and keeps what was paused. A timer that runs past its due time is a breach, and stays one
whatever is promised later; `system` notes it in the history.

Entries of other kinds change nothing here, so what is stored beside a ticket (`DueTimes`) stays
right whatever is said, assigned or edited.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Final, Self

from engine.calendars import add_working_time, working_time_between
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import TicketTargets, parse_targets
from engine.vocabulary import Status

TIMER_KINDS: Final = frozenset({EntryKind.STATUS, EntryKind.PRIORITY, EntryKind.SLA_BREACH})
"""The kinds of entries that change what the timers say, `created` aside."""
PAUSING_STATUSES: Final = frozenset({Status.RESOLVED, Status.CLOSED})
NOTHING: Final = timedelta(0)


class Timer(StrEnum):
    """What is promised: that somebody picks the ticket up, and that it is resolved."""

    RESPONSE = "response"
    RESOLUTION = "resolution"


@dataclass(frozen=True, slots=True)
class Pause:
    """A time in which the ticket stood RESOLVED or CLOSED."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class SlaTimers:
    """The timers of a ticket after some of its history.

    Attributes:
        promise: what is promised now.
        opened_at: when both timers began.
        responded_at: when the ticket was first IN_PROGRESS; None while it was not.
        stopped_at: since when it is RESOLVED or CLOSED; None while it is neither.
        pauses: the times that it was RESOLVED or CLOSED and then re-opened.
        breached: the timers that ran past their due time before the last change, with that time.
        noted: the timers whose breach stands in the history.

    """

    targets: TicketTargets
    opened_at: datetime
    responded_at: datetime | None = None
    paused_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    breached: tuple[tuple[Timer, datetime], ...] = ()
    recorded: frozenset[Timer] = frozenset()

    @property
    def response_due_at(self) -> datetime:
        """When somebody must have picked the ticket up."""
        working = self.targets.response + self.paused_time(Timer.RESPONSE)
        return add_working_time(self.targets.calendar, self.opened_at, working)

    @property
    def resolution_due_at(self) -> datetime:
        """When the ticket must be resolved."""
        working = self.targets.resolution + self.paused_time(Timer.RESOLUTION)
        return add_working_time(self.targets.calendar, self.opened_at, working)

    def pauses_of(self, timer: Timer) -> tuple[Pause, ...]:
        """Return the pauses that a timer made: all of them, or those before it stopped for good."""
        responded = self.responded_at
        if timer is Timer.RESOLUTION or responded is None:
            return self.pauses
        return tuple(pause for pause in self.pauses if pause.end <= responded)

    def paused_time(self, timer: Timer) -> timedelta:
        """Return how much time that counts a timer paused."""
        return sum((self.counted_time(pause) for pause in self.pauses_of(timer)), NOTHING)

    def counted_time(self, pause: Pause) -> timedelta:
        """Return how much of a pause counts."""
        return working_time_between(self.targets.calendar, pause.begin, pause.end)

    def due_at(self, timer: Timer) -> datetime:
        """Return when a timer is due."""
        return self.response_due_at if timer is Timer.RESPONSE else self.resolution_due_at

    def is_running(self, timer: Timer) -> bool:
        """Tell whether a timer runs."""
        is_over = timer is Timer.RESPONSE and self.responded_at is not None
        return self.paused_at is None and not is_over

    def breached_at(self, timer: Timer, now: datetime) -> datetime | None:
        """Return the due time that a timer ran past, by `now`; None if it did not."""
        before = dict(self.breached).get(timer)
        if before is not None or not self.is_running(timer):
            return before
        due = self.due_at(timer)
        return due if due < now else None

    def unrecorded_breaches(self, now: datetime) -> dict[Timer, datetime]:
        """Return the timers that ran past their due time by `now`, and no entry tells of it yet."""
        at = {timer: self.breached_at(timer, now) for timer in Timer if timer not in self.recorded}
        return {timer: due for timer, due in at.items() if due is not None}

    @property
    def next_due_at(self) -> datetime | None:
        """After which moment a breach is to be noted if nothing else happens; None if none is."""
        known = dict(self.breached)
        due = [
            known[timer] if timer in known else self.due_at(timer)
            for timer in Timer
            if timer not in self.recorded and (timer in known or self.is_running(timer))
        ]
        return min(due, default=None)

    def remaining(self, timer: Timer, now: datetime) -> timedelta | None:
        """Return how much time that counts is left; zero after a breach, None if it is stopped."""
        if not self.is_running(timer):
            return None
        due = self.due_at(timer)
        return NOTHING if due <= now else working_time_between(self.targets.calendar, now, due)


@dataclass(frozen=True, slots=True)
class DueTimes:
    """What of the timers is stored beside a ticket, to be searched for.

    Attributes:
        response_due_at, resolution_due_at: None if nothing was promised.
        response_breached, resolution_breached: by the last entry that tells.
        next_due_at: see `Sla.next_due_at`.

    """

    response_due_at: datetime | None = None
    resolution_due_at: datetime | None = None
    response_breached: bool = False
    resolution_breached: bool = False
    next_due_at: datetime | None = None

    @classmethod
    def of(cls, sla: SlaTimers) -> Self:
        """Return what follows from the timers."""
        breached = dict(sla.breached)
        return cls(
            response_due_at=sla.response_due_at,
            resolution_due_at=sla.resolution_due_at,
            response_breached=Timer.RESPONSE in breached,
            resolution_breached=Timer.RESOLUTION in breached,
            next_due_at=sla.next_due_at,
        )


def begun(entry: Entry) -> SlaTimers | None:
    """Return the timers that a `created` entry starts; None if nothing was promised."""
    promise = parse_targets(entry.details)
    return None if promise is None else SlaTimers(promise, entry.at)


def step(sla: SlaTimers, entry: Entry) -> SlaTimers:
    """Return the timers after one more entry."""
    if entry.kind not in TIMER_KINDS:
        return sla
    sla = with_breaches_by(sla, entry.at)
    match entry.kind:
        case EntryKind.STATUS:
            return moved(sla, Status(str(entry.new_value)), entry.at)
        case EntryKind.PRIORITY:
            return replace(sla, targets=parse_targets(entry.details) or sla.targets)
        case _:
            return replace(sla, recorded=sla.recorded | {Timer(str(entry.new_value))})


def with_breaches_by(sla: SlaTimers, now: datetime) -> SlaTimers:
    """Return the timers with every breach that has happened by a moment."""
    at = {timer: sla.breached_at(timer, now) for timer in Timer}
    breached = tuple((timer, due) for timer, due in at.items() if due is not None)
    return replace(sla, breached=breached)


def moved(sla: SlaTimers, to: Status, at: datetime) -> SlaTimers:
    """Return the timers after a transition."""
    if sla.responded_at is None and to is Status.IN_PROGRESS:
        sla = replace(sla, responded_at=at)
    if to in PAUSING_STATUSES:
        return replace(sla, paused_at=sla.paused_at or at)
    if sla.paused_at is None:
        return sla
    return replace(sla, paused_at=None, pauses=(*sla.pauses, Pause(sla.paused_at, at)))


def build_timers(history: Iterable[Entry]) -> SlaTimers | None:
    """Return the timers of a ticket after its whole history; None if nothing was promised."""
    first, *later = history
    sla = begun(first)
    return None if sla is None else reduce(step, later, sla)
