"""Histories of tickets with SLA targets, and a slow reference implementation of their timers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from engine.calendars import Calendar, working_time_between
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import TARGETS_KEY, TicketTargets
from engine.tickets.sla_timers import PAUSING_STATUSES, Timer
from engine.vocabulary import STATUSES, SYSTEM, Priority, Status
from tests.support.ticket_examples import CREATED, OPENING

MINUTE = timedelta(minutes=1)
MONDAY = datetime(2026, 4, 27, 8, 0, tzinfo=UTC)


def minutes(count: int) -> timedelta:
    return count * MINUTE


def make_targets(
    response: int = 30, resolution: int = 480, *, calendar: Calendar | None = None
) -> TicketTargets:
    """Return targets in minutes."""
    targets = minutes(response), minutes(resolution)
    return TicketTargets(*targets, origin="the priority HIGH", by_priority=True, calendar=calendar)


def opened_at(at: datetime, targets: TicketTargets | None) -> Entry:
    return replace(CREATED, at=at, details=replace(OPENING, sla=targets).details)


def transition_after(after: int, to: Status, **changed: object) -> tuple[int, dict[str, object]]:
    """Return a transition, so many minutes after the previous entry."""
    return after, {"kind": EntryKind.STATUS, "new_value": to, "details": None} | changed


def targets_after(after: int, targets: TicketTargets) -> tuple[int, dict[str, object]]:
    """Return a change of priority that sets new SLA targets."""
    details = json.dumps({"allowed_as": ["admin"], TARGETS_KEY: targets.data})
    return after, {"kind": EntryKind.PRIORITY, "new_value": Priority.LOW, "details": details}


def comment_after(after: int) -> tuple[int, dict[str, object]]:
    return after, {"kind": EntryKind.COMMENT, "new_value": "Well", "details": None}


def breach_after(after: int, timer: Timer) -> tuple[int, dict[str, object]]:
    changed: dict[str, object] = {"new_value": timer, "details": None, "actor": SYSTEM}
    return after, changed | {"kind": EntryKind.SLA_BREACH}


def history_of(
    targets: TicketTargets | None, *steps: tuple[int, dict[str, object]], at: datetime = MONDAY
) -> list[Entry]:
    """Return a history that consists of a `created` entry and these steps."""
    entries = [opened_at(at, targets)]
    for after, changed in steps:
        latest = entries[-1]
        when = latest.at + minutes(after)
        entry = replace(latest, seq=latest.seq + 1, at=when, old_value=None, actor="u_c4")
        entries.append(replace(entry, **changed))  # type: ignore[arg-type]
    return entries


GAPS = st.integers(0, 600)
TARGETS = st.integers(1, 900)


def targets_strategy(calendars: Sequence[Calendar | None]) -> st.SearchStrategy[TicketTargets]:
    return st.builds(
        lambda response, resolution, calendar: make_targets(
            response, resolution, calendar=calendar
        ),
        *(TARGETS, TARGETS, st.sampled_from(calendars)),
    )


def histories(calendars: Sequence[Calendar | None]) -> st.SearchStrategy[list[Entry]]:
    """Return histories of transitions, changes of targets and comments, in any order."""
    steps = st.one_of(
        st.builds(transition_after, GAPS, st.sampled_from(STATUSES)),
        st.builds(targets_after, GAPS, targets_strategy(calendars)),
        st.builds(comment_after, GAPS),
    )
    start = st.integers(0, 7 * 24 * 60).map(lambda count: MONDAY + minutes(count))
    return st.builds(
        lambda targets, entries, at: history_of(targets, *entries, at=at),
        *(targets_strategy(calendars), st.lists(steps, max_size=8), start),
    )


@dataclass(slots=True)
class ReferenceTimers:
    """The timers of a ticket, advanced minute by minute."""

    targets: TicketTargets
    status: Status = Status.OPEN
    responded: bool = False
    passed: dict[Timer, timedelta] = field(default_factory=lambda: dict.fromkeys(Timer, minutes(0)))
    breached: set[Timer] = field(default_factory=set)
    idle: bool = False

    def is_running(self, timer: Timer) -> bool:
        over = timer is Timer.RESPONSE and self.responded
        return self.status not in PAUSING_STATUSES and not over

    def target(self, timer: Timer) -> timedelta:
        return self.targets.response if timer is Timer.RESPONSE else self.targets.resolution

    def advance(self, *, counts: bool) -> None:
        """Let a minute pass, which may count as working time."""
        for timer in Timer:
            if self.is_running(timer):
                if self.passed[timer] >= self.target(timer):
                    self.breached.add(timer)
                self.passed[timer] += MINUTE if counts else minutes(0)
        self.idle = not counts

    def check_breaches(self) -> None:
        """Record the breaches of targets that are already missed, such as new ones."""
        for timer in filter(self.is_running, Timer):
            left = self.target(timer) - self.passed[timer]
            if left < minutes(0) or (self.idle and not left):
                self.breached.add(timer)

    def apply(self, entry: Entry) -> None:
        if entry.kind is EntryKind.STATUS:
            self.status = Status(str(entry.new_value))
            self.responded = self.responded or self.status is Status.IN_PROGRESS
        if entry.kind is EntryKind.PRIORITY:
            data = json.loads(entry.details or "")[TARGETS_KEY]
            response, resolution = timedelta(seconds=data["response"]), data["resolution"]
            self.targets = replace(
                self.targets, response=response, resolution=timedelta(seconds=resolution)
            )


def reference_timers(
    targets: TicketTargets, history: Sequence[Entry], now: datetime
) -> ReferenceTimers:
    """Return the timers at `now`."""
    timers = ReferenceTimers(targets)
    for time, entries in minute_by_minute(history, now):
        for entry in entries:
            timers.check_breaches()
            timers.apply(entry)
        if time < now:
            passed = working_time_between(targets.calendar, time, time + MINUTE)
            timers.advance(counts=passed > minutes(0))
    timers.check_breaches()
    return timers


def minute_by_minute(
    history: Sequence[Entry], now: datetime
) -> Iterator[tuple[datetime, list[Entry]]]:
    """Yield each minute until `now` with the entries at its beginning."""
    time = history[0].at
    while time <= now:
        yield time, [entry for entry in history[1:] if entry.at == time]
        time += MINUTE
