"""Histories of tickets for which something was promised, and a slow way to tell their timers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from engine.calendars import Calendar
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


def moved(after: int, to: Status, **changed: object) -> tuple[int, dict[str, object]]:
    """Return a transition so many minutes after what was before."""
    return after, {"kind": EntryKind.STATUS, "new_value": to, "details": None} | changed


def change_targets(after: int, targets: TicketTargets) -> tuple[int, dict[str, object]]:
    """Return a change of priority that promises anew."""
    details = json.dumps({"allowed_as": ["admin"], TARGETS_KEY: targets.data})
    return after, {"kind": EntryKind.PRIORITY, "new_value": Priority.LOW, "details": details}


def said(after: int) -> tuple[int, dict[str, object]]:
    return after, {"kind": EntryKind.COMMENT, "new_value": "Well", "details": None}


def noted(after: int, timer: Timer) -> tuple[int, dict[str, object]]:
    told: dict[str, object] = {"new_value": timer, "details": None, "actor": SYSTEM}
    return after, told | {"kind": EntryKind.SLA_BREACH}


def history_of(
    targets: TicketTargets | None, *steps: tuple[int, dict[str, object]], at: datetime = MONDAY
) -> list[Entry]:
    """Return a history of these steps, each so many minutes after the one before."""
    entries = [opened_at(at, targets)]
    for after, changed in steps:
        latest = entries[-1]
        when = latest.at + minutes(after)
        entry = replace(latest, seq=latest.seq + 1, at=when, old_value=None, actor="u_c4")
        entries.append(replace(entry, **changed))  # type: ignore[arg-type]
    return entries


# --- whatever can happen ------------------------------------------------------------------------

GAPS = st.integers(0, 600)
TARGETS = st.integers(1, 900)


def targets_strategy(calendars: Sequence[Calendar | None]) -> st.SearchStrategy[TicketTargets]:
    return st.builds(
        lambda response, resolution, held: make_targets(response, resolution, calendar=held),
        *(TARGETS, TARGETS, st.sampled_from(calendars)),
    )


def histories(calendars: Sequence[Calendar | None]) -> st.SearchStrategy[list[Entry]]:
    """Return histories in which anything happens in any order, but for breaches that are none."""
    steps = st.one_of(
        st.builds(moved, GAPS, st.sampled_from(STATUSES)),
        st.builds(change_targets, GAPS, targets_strategy(calendars)),
        st.builds(said, GAPS),
    )
    start = st.integers(0, 7 * 24 * 60).map(lambda count: MONDAY + minutes(count))
    return st.builds(
        lambda targets, taken, at: history_of(targets, *taken, at=at),
        *(targets_strategy(calendars), st.lists(steps, max_size=8), start),
    )


# --- a slow way to tell -------------------------------------------------------------------------


@dataclass(slots=True)
class Watched:
    """A ticket that somebody looks at every minute with a watch in each hand."""

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

    def look(self, *, counts: bool) -> None:
        """Let a minute pass."""
        for timer in Timer:
            if self.is_running(timer):
                if self.passed[timer] >= self.target(timer):
                    self.breached.add(timer)
                self.passed[timer] += MINUTE if counts else minutes(0)
        self.idle = not counts

    def judge(self) -> None:
        """Notice what was promised so late that it had passed already."""
        for timer in filter(self.is_running, Timer):
            left = self.target(timer) - self.passed[timer]
            if left < minutes(0) or (self.idle and not left):
                self.breached.add(timer)

    def take(self, entry: Entry) -> None:
        """Let something happen."""
        if entry.kind is EntryKind.STATUS:
            self.status = Status(str(entry.new_value))
            self.responded = self.responded or self.status is Status.IN_PROGRESS
        if entry.kind is EntryKind.PRIORITY:
            self.targets = replace(
                self.targets,
                response=timedelta(
                    seconds=json.loads(entry.details or "")[TARGETS_KEY]["response"]
                ),
                resolution=timedelta(
                    seconds=json.loads(entry.details or "")[TARGETS_KEY]["resolution"]
                ),
            )


def watched(targets: TicketTargets, history: Sequence[Entry], now: datetime) -> Watched:
    """Return a ticket without a calendar after every minute until `now` was looked at."""
    ticket = Watched(targets)
    for moment, entries in minute_by_minute(history, now):
        for entry in entries:
            ticket.judge()
            ticket.take(entry)
        if moment < now:
            held = targets.calendar
            ticket.look(counts=held is None or held.between(moment, moment + MINUTE) > minutes(0))
    ticket.judge()
    return ticket


def minute_by_minute(
    history: Sequence[Entry], now: datetime
) -> Iterator[tuple[datetime, list[Entry]]]:
    """Yield each minute until `now` with what happened at its beginning."""
    moment = history[0].at
    while moment <= now:
        yield moment, [entry for entry in history[1:] if entry.at == moment]
        moment += MINUTE
