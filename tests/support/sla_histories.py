"""Histories of tickets for which something was promised, and a slow way to tell their timers."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from engine.calendars import Calendar
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_targets import PROMISE, Promise
from engine.tickets.sla_timers import STOPPED, Timer
from engine.vocabulary import STATUSES, SYSTEM, Priority, Status
from tests.support.ticket_examples import CREATED, OPENING

MINUTE = timedelta(minutes=1)
MONDAY = datetime(2026, 4, 27, 8, 0, tzinfo=UTC)


def minutes(count: int) -> timedelta:
    return count * MINUTE


def a_promise(
    response: int = 30, resolution: int = 480, *, calendar: Calendar | None = None
) -> Promise:
    """Return targets in minutes."""
    targets = minutes(response), minutes(resolution)
    return Promise(*targets, origin="the priority HIGH", by_priority=True, calendar=calendar)


def opened_at(at: datetime, promise: Promise | None) -> Entry:
    return replace(CREATED, at=at, details=replace(OPENING, promise=promise).details)


def moved(after: int, to: Status, **changed: object) -> tuple[int, dict[str, object]]:
    """Return a transition so many minutes after what was before."""
    return after, {"kind": EntryKind.STATUS, "new_value": to, "details": None} | changed


def promised(after: int, promise: Promise) -> tuple[int, dict[str, object]]:
    """Return a change of priority that promises anew."""
    details = json.dumps({"allowed_as": ["admin"], PROMISE: promise.data})
    return after, {"kind": EntryKind.PRIORITY, "new_value": Priority.LOW, "details": details}


def said(after: int) -> tuple[int, dict[str, object]]:
    return after, {"kind": EntryKind.COMMENT, "new_value": "Well", "details": None}


def noted(after: int, timer: Timer) -> tuple[int, dict[str, object]]:
    told: dict[str, object] = {"new_value": timer, "details": None, "actor": SYSTEM}
    return after, told | {"kind": EntryKind.SLA_BREACH}


def history_of(
    promise: Promise | None, *steps: tuple[int, dict[str, object]], at: datetime = MONDAY
) -> list[Entry]:
    """Return a history of these steps, each so many minutes after the one before."""
    entries = [opened_at(at, promise)]
    for after, changed in steps:
        latest = entries[-1]
        when = latest.at + minutes(after)
        entry = replace(latest, seq=latest.seq + 1, at=when, old_value=None, actor="u_c4")
        entries.append(replace(entry, **changed))  # type: ignore[arg-type]
    return entries


# --- whatever can happen ------------------------------------------------------------------------

GAPS = st.integers(0, 600)
TARGETS = st.integers(1, 900)


def promises(calendars: Sequence[Calendar | None]) -> st.SearchStrategy[Promise]:
    return st.builds(
        lambda response, resolution, held: a_promise(response, resolution, calendar=held),
        *(TARGETS, TARGETS, st.sampled_from(calendars)),
    )


def histories(calendars: Sequence[Calendar | None]) -> st.SearchStrategy[list[Entry]]:
    """Return histories in which anything happens in any order, but for breaches that are none."""
    steps = st.one_of(
        st.builds(moved, GAPS, st.sampled_from(STATUSES)),
        st.builds(promised, GAPS, promises(calendars)),
        st.builds(said, GAPS),
    )
    start = st.integers(0, 7 * 24 * 60).map(lambda count: MONDAY + minutes(count))
    return st.builds(
        lambda promise, taken, at: history_of(promise, *taken, at=at),
        *(promises(calendars), st.lists(steps, max_size=8), start),
    )


# --- a slow way to tell -------------------------------------------------------------------------


@dataclass(slots=True)
class Watched:
    """A ticket that somebody looks at every minute with a watch in each hand."""

    promise: Promise
    status: Status = Status.OPEN
    responded: bool = False
    passed: dict[Timer, timedelta] = field(default_factory=lambda: dict.fromkeys(Timer, minutes(0)))
    breached: set[Timer] = field(default_factory=set)
    idle: bool = False

    def runs(self, timer: Timer) -> bool:
        over = timer is Timer.RESPONSE and self.responded
        return self.status not in STOPPED and not over

    def target(self, timer: Timer) -> timedelta:
        return self.promise.response if timer is Timer.RESPONSE else self.promise.resolution

    def look(self, *, counts: bool) -> None:
        """Let a minute pass."""
        for timer in Timer:
            if self.runs(timer):
                if self.passed[timer] >= self.target(timer):
                    self.breached.add(timer)
                self.passed[timer] += MINUTE if counts else minutes(0)
        self.idle = not counts

    def judge(self) -> None:
        """Notice what was promised so late that it had passed already."""
        for timer in filter(self.runs, Timer):
            left = self.target(timer) - self.passed[timer]
            if left < minutes(0) or (self.idle and not left):
                self.breached.add(timer)

    def take(self, entry: Entry) -> None:
        """Let something happen."""
        if entry.kind is EntryKind.STATUS:
            self.status = Status(str(entry.new_value))
            self.responded = self.responded or self.status is Status.IN_PROGRESS
        if entry.kind is EntryKind.PRIORITY:
            self.promise = replace(
                self.promise,
                response=timedelta(seconds=json.loads(entry.details or "")[PROMISE]["response"]),
                resolution=timedelta(
                    seconds=json.loads(entry.details or "")[PROMISE]["resolution"]
                ),
            )


def watched(promise: Promise, history: Sequence[Entry], now: datetime) -> Watched:
    """Return a ticket without a calendar after every minute until `now` was looked at."""
    ticket = Watched(promise)
    for moment, entries in minute_by_minute(history, now):
        for entry in entries:
            ticket.judge()
            ticket.take(entry)
        if moment < now:
            held = promise.calendar
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
