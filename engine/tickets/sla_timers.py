"""The SLA timers of a ticket: a pure function of its history.

Two timers start when the ticket is opened. Both pause while it is RESOLVED or
CLOSED: when it is re-opened, the time of the pause is added to the due times. The response timer
stops for good when the ticket is first IN_PROGRESS. A change of priority can set new targets; they
count from the opening, without the pauses. A timer that passes its due time is a breach, which
later changes do not undo; `system` records it in the history.

Only entries of `TIMER_KINDS` change the timers. So the due times that are stored with a ticket
(`DueTimes`) stay valid when it is assigned, edited or commented on.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum
from functools import reduce
from typing import Final, NamedTuple, Self

from engine.calendars import add_working_time, working_time_between
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import TicketTargets, parse_targets
from engine.vocabulary import Status

TIMER_KINDS: Final = frozenset({EntryKind.STATUS, EntryKind.PRIORITY, EntryKind.SLA_BREACH})
"""The kinds of entries, other than `created`, that change the timers."""
PAUSING_STATUSES: Final = frozenset({Status.RESOLVED, Status.CLOSED})

_ZERO: Final = timedelta(0)


class Timer(StrEnum):
    """The timer of the response target, or of the resolution target."""

    RESPONSE = "response"
    RESOLUTION = "resolution"


@dataclass(frozen=True, slots=True)
class Pause:
    """The time between a RESOLVED or CLOSED status and the next re-opening."""

    begin: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class SlaTimers:
    """The timers of a ticket after a part of its history.

    Attributes:
        targets: the current SLA targets.
        opened_at: when both timers started.
        responded_at: when the ticket was first IN_PROGRESS; None if it never was.
        paused_at: when the current pause began; None if the ticket is not RESOLVED or CLOSED.
        pauses: the pauses that have ended.
        breached: the timers with a breach before the latest change, and their due times.
        recorded: the timers whose breach is recorded in the history.

    """

    targets: TicketTargets
    opened_at: datetime
    responded_at: datetime | None = None
    paused_at: datetime | None = None
    pauses: tuple[Pause, ...] = ()
    breached: tuple[tuple[Timer, datetime], ...] = ()
    recorded: frozenset[Timer] = frozenset()

    def due_at(self, timer: Timer) -> datetime:
        """Return the due time of a timer."""
        working_time = self.target(timer) + self.paused_time(timer)
        return add_working_time(self.targets.calendar, self.opened_at, working_time)

    def target(self, timer: Timer) -> timedelta:
        """Return the SLA target of a timer."""
        is_response = timer is Timer.RESPONSE
        return self.targets.response if is_response else self.targets.resolution

    def pauses_of(self, timer: Timer) -> tuple[Pause, ...]:
        """Return the ended pauses of a timer, which count only until the timer stops for good."""
        responded = self.responded_at
        if timer is Timer.RESOLUTION or responded is None:
            return self.pauses
        return tuple(pause for pause in self.pauses if pause.end <= responded)

    def paused_time(self, timer: Timer) -> timedelta:
        """Return the working time in the pauses of a timer."""
        return sum((self.working_time(pause) for pause in self.pauses_of(timer)), _ZERO)

    def working_time(self, pause: Pause) -> timedelta:
        """Return the working time in a pause."""
        return working_time_between(self.targets.calendar, pause.begin, pause.end)

    def is_running(self, timer: Timer) -> bool:
        """Return whether a timer is neither paused nor stopped."""
        has_responded = timer is Timer.RESPONSE and self.responded_at is not None
        return self.paused_at is None and not has_responded

    def breached_at(self, timer: Timer, now: datetime) -> datetime | None:
        """Return the due time that a timer had passed by `now`; None without a breach."""
        before = dict(self.breached).get(timer)
        if before is not None or not self.is_running(timer):
            return before
        due = self.due_at(timer)
        return due if due < now else None

    def unrecorded_breaches(self, now: datetime) -> dict[Timer, datetime]:
        """Return the missed due times, up to `now`, that the history does not record yet."""
        at = {timer: self.breached_at(timer, now) for timer in Timer if timer not in self.recorded}
        return {timer: due for timer, due in at.items() if due is not None}

    @property
    def next_due_at(self) -> datetime | None:
        """After this time a breach must be recorded if the ticket does not change; maybe never."""
        known = dict(self.breached)
        due = [
            known[timer] if timer in known else self.due_at(timer)
            for timer in Timer
            if timer not in self.recorded and (timer in known or self.is_running(timer))
        ]
        return min(due, default=None)

    def remaining(self, timer: Timer, now: datetime) -> timedelta | None:
        """Return the working time until a timer is due, at least 0; None if it is not running."""
        if not self.is_running(timer):
            return None
        due = self.due_at(timer)
        return _ZERO if due <= now else working_time_between(self.targets.calendar, now, due)


class DueTimes(NamedTuple):
    """The values that are stored with a ticket for searches.

    Attributes:
        response_due_at, resolution_due_at: None without SLA targets.
        response_breached, resolution_breached: as of the latest entry of `TIMER_KINDS`.
        next_due_at: see `SlaTimers.next_due_at`.

    """

    response_due_at: datetime | None = None
    resolution_due_at: datetime | None = None
    response_breached: bool = False
    resolution_breached: bool = False
    next_due_at: datetime | None = None

    @classmethod
    def of(cls, timers: SlaTimers) -> Self:
        """Return the due times of these timers."""
        breached = dict(timers.breached)
        return cls(
            response_due_at=timers.due_at(Timer.RESPONSE),
            resolution_due_at=timers.due_at(Timer.RESOLUTION),
            response_breached=Timer.RESPONSE in breached,
            resolution_breached=Timer.RESOLUTION in breached,
            next_due_at=timers.next_due_at,
        )


SLA_COLUMNS: Final = (*DueTimes._fields, "sla_version")
"""The columns of a ticket with its due times, and with the version that they are computed for."""


def build_timers(history: Iterable[Entry]) -> SlaTimers | None:
    """Return the timers of a ticket after its whole history; None without SLA targets."""
    created, *later = history
    targets = parse_targets(created.details)
    return None if targets is None else reduce(_apply_entry, later, SlaTimers(targets, created.at))


def _apply_entry(timers: SlaTimers, entry: Entry) -> SlaTimers:
    """Return the timers after another entry."""
    if entry.kind not in TIMER_KINDS:
        return timers
    at = {timer: timers.breached_at(timer, entry.at) for timer in Timer}
    breached = tuple((timer, due) for timer, due in at.items() if due is not None)
    timers = replace(timers, breached=breached)
    match entry.kind:
        case EntryKind.STATUS:
            return _apply_transition(timers, Status(str(entry.new_value)), entry.at)
        case EntryKind.PRIORITY:
            return replace(timers, targets=parse_targets(entry.details) or timers.targets)
        case _:
            return replace(timers, recorded=timers.recorded | {Timer(str(entry.new_value))})


def _apply_transition(timers: SlaTimers, to: Status, at: datetime) -> SlaTimers:
    """Return the timers after a transition."""
    if timers.responded_at is None and to is Status.IN_PROGRESS:
        timers = replace(timers, responded_at=at)
    if to in PAUSING_STATUSES:
        return replace(timers, paused_at=timers.paused_at or at)
    if timers.paused_at is None:
        return timers
    pauses = (*timers.pauses, Pause(timers.paused_at, at))
    return replace(timers, paused_at=None, pauses=pauses)
