"""What was promised, and whether it was kept: by examples, by laws, and against a slow watch."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.calendars import Calendar, Shift, working_time_between
from engine.tickets.changes import breach_changes
from engine.tickets.history import Entry, EntryKind
from engine.tickets.sla_explanation import SlaReason, explain_due_time
from engine.tickets.sla_timers import TIMER_KINDS, DueTimes, SlaTimers, Timer, build_timers
from engine.vocabulary import SYSTEM, Status
from tests.support.sla_histories import (
    GAPS,
    MINUTE,
    MONDAY,
    change_targets,
    histories,
    history_of,
    make_targets,
    minutes,
    moved,
    noted,
    said,
    watched,
)
from tests.support.ticket_examples import CREATED

PICKED_UP, RESOLVED, CLOSED = Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED
DAY = (Shift.of("09:00-17:00"),)
OFFICE = Calendar("office", "Europe/Budapest", (*[DAY] * 5, (), ()))
RESPONSE, RESOLUTION = Timer
HIGH = make_targets(30, 480)
LOW = make_targets(1440, 7200)


def told(history: list[Entry]) -> SlaTimers:
    sla = build_timers(history)
    assert sla is not None
    return sla


def after(count: int) -> datetime:
    return MONDAY + minutes(count)


STORIES: dict[str, tuple[list[Entry], datetime, datetime, set[Timer]]] = {
    "just opened": (history_of(HIGH), after(30), after(480), set()),
    "picked up in time": (
        history_of(HIGH, moved(29, PICKED_UP)),
        *(after(30), after(480), set()),
    ),
    "picked up at the very last moment": (
        history_of(HIGH, moved(30, PICKED_UP)),
        *(after(30), after(480), set()),
    ),
    "picked up too late": (
        history_of(HIGH, moved(31, PICKED_UP)),
        *(after(30), after(480), {RESPONSE}),
    ),
    "resolved in time": (
        history_of(HIGH, moved(10, PICKED_UP), moved(470, RESOLVED)),
        *(after(30), after(480), set()),
    ),
    "closed in time by the system, picked up by nobody": (
        history_of(HIGH, moved(10, CLOSED, actor=SYSTEM), said(9000)),
        *(after(30), after(480), set()),
    ),
    "re-opened by the system, and still picked up by nobody": (
        history_of(HIGH, moved(10, CLOSED, actor=SYSTEM), moved(100, Status.OPEN), said(21)),
        *(after(130), after(580), {RESPONSE}),
    ),
    "re-opened by the system and picked up in time": (
        history_of(
            HIGH,
            *(moved(10, CLOSED, actor=SYSTEM), moved(100, Status.OPEN), moved(20, PICKED_UP)),
            *(moved(10, RESOLVED), moved(1000, PICKED_UP)),
        ),
        *(after(130), after(1580), set()),
    ),
    "resolved by somebody who did not pick it up, and re-opened": (
        history_of(HIGH, moved(20, RESOLVED), moved(100, PICKED_UP)),
        *(after(130), after(580), set()),
    ),
    "resolved too late, and not even picked up": (
        history_of(HIGH, moved(500, RESOLVED)),
        *(after(30), after(480), {RESPONSE, RESOLUTION}),
    ),
    "re-opened, which adds the time between": (
        history_of(HIGH, moved(10, PICKED_UP), moved(100, RESOLVED), moved(600, PICKED_UP)),
        *(after(30), after(1080), set()),
    ),
    "re-opened twice": (
        history_of(
            HIGH,
            *(moved(10, PICKED_UP), moved(100, RESOLVED), moved(600, PICKED_UP)),
            *(moved(100, RESOLVED), moved(50, Status.OPEN), moved(310, RESOLVED)),
        ),
        *(after(30), after(1130), {RESOLUTION}),
    ),
    "closed while it was resolved": (
        history_of(HIGH, moved(10, PICKED_UP), moved(10, RESOLVED), moved(9000, CLOSED)),
        *(after(30), after(480), set()),
    ),
    "back in the queue, which starts no second response": (
        history_of(HIGH, moved(10, PICKED_UP), moved(10, Status.OPEN), moved(90, PICKED_UP)),
        *(after(30), after(480), set()),
    ),
    "promised less from the opening on": (
        history_of(HIGH, moved(10, PICKED_UP), change_targets(50, LOW)),
        *(after(1440), after(7200), set()),
    ),
    "promised more than can be kept any more": (
        history_of(LOW, change_targets(500, HIGH), moved(10, PICKED_UP)),
        *(after(30), after(480), {RESPONSE, RESOLUTION}),
    ),
    "a breach that stays whatever is promised": (
        history_of(HIGH, change_targets(60, LOW), moved(10, PICKED_UP)),
        *(after(1440), after(7200), {RESPONSE}),
    ),
    "a priority that keeps what was paused": (
        history_of(
            HIGH,
            *(moved(10, PICKED_UP), moved(10, RESOLVED), moved(100, PICKED_UP)),
            change_targets(1, LOW),
        ),
        *(after(1440), after(7300), set()),
    ),
    "words, which change nothing": (
        history_of(HIGH, said(60), moved(10, PICKED_UP)),
        *(after(30), after(480), {RESPONSE}),
    ),
    "by office hours": (
        history_of(make_targets(30, 480, calendar=OFFICE)),
        *(after(30), MONDAY + timedelta(days=1), set()),
    ),
}


@pytest.mark.parametrize(
    ("history", "response", "resolution", "breached"), STORIES.values(), ids=STORIES
)
def test_a_ticket_is_due(
    history: list[Entry], response: datetime, resolution: datetime, breached: set[Timer]
) -> None:
    sla = told(history)
    now = history[-1].at
    assert (sla.response_due_at, sla.resolution_due_at) == (response, resolution)
    assert {timer for timer in Timer if sla.breached_at(timer, now)} == breached


def test_nothing_is_promised_where_the_first_entry_does_not() -> None:
    assert build_timers([CREATED]) is None
    assert build_timers(history_of(None, change_targets(1, HIGH), moved(9, PICKED_UP))) is None


def test_what_is_left_is_told_while_a_timer_runs() -> None:
    sla = told(history_of(HIGH, moved(10, PICKED_UP)))
    assert sla.remaining(RESPONSE, after(20)) is None
    assert sla.remaining(RESOLUTION, after(20)) == minutes(460)
    assert sla.remaining(RESOLUTION, after(500)) == minutes(0)


def test_of_office_hours_only_those_are_left() -> None:
    sla = told(history_of(make_targets(30, 600, calendar=OFFICE)))
    assert sla.remaining(RESOLUTION, MONDAY + timedelta(hours=12)) == minutes(600 - 420)


def test_breaches_are_noted_once() -> None:
    steps = [moved(500, PICKED_UP)]
    sla = told(history_of(HIGH, *steps))
    found = breach_changes(sla, after(500))
    assert [(each.kind, each.new, each.details) for each in found] == [
        (EntryKind.SLA_BREACH, "response", '{"due_at": "2026-04-27T08:30:00.000000Z"}'),
        (EntryKind.SLA_BREACH, "resolution", '{"due_at": "2026-04-27T16:00:00.000000Z"}'),
    ]
    once = told(history_of(HIGH, *steps, noted(1, RESPONSE)))
    assert [each.new for each in breach_changes(once, after(502))] == ["resolution"]
    twice = told(history_of(HIGH, *steps, noted(1, RESPONSE), noted(0, RESOLUTION)))
    assert (breach_changes(twice, after(9000)), twice.next_due_at) == ((), None)


def test_why_it_is_due_then_is_told_item_by_item() -> None:
    held = make_targets(30, 480, calendar=OFFICE)
    sla = told(
        history_of(
            held,
            *(moved(40, PICKED_UP), moved(20, RESOLVED), moved(60, PICKED_UP)),
            change_targets(1, replace(held, resolution=minutes(500))),
        )
    )
    assert explain_due_time(sla, RESOLUTION) == (
        SlaReason("opened", MONDAY),
        SlaReason("resolution promised by the priority HIGH", adds=minutes(500)),
        SlaReason("RESOLVED or CLOSED until it was re-opened", after(120), minutes(60)),
        SlaReason("only working hours of office count"),
        SlaReason("due", sla.resolution_due_at),
    )
    assert explain_due_time(sla, RESPONSE) == (
        SlaReason("opened", MONDAY),
        SlaReason("response promised by the priority HIGH", adds=minutes(30)),
        SlaReason("only working hours of office count"),
        SlaReason("missed, when it was due then", after(30)),
        SlaReason("due", after(30)),
    )


# --- laws ---------------------------------------------------------------------------------------

HISTORIES = histories([None, OFFICE])


def law(check: Callable[..., None]) -> Callable[..., None]:
    return settings(deadline=None)(given(HISTORIES, GAPS)(check))


def prefixes(history: list[Entry]) -> list[SlaTimers]:
    return [told(history[: length + 1]) for length in range(len(history))]


@given(HISTORIES)
@settings(deadline=None)
def test_a_pause_never_makes_it_due_earlier(history: list[Entry]) -> None:
    stages = prefixes(history)
    for entry, before, now in zip(history[1:], stages, stages[1:], strict=False):
        if entry.kind is not EntryKind.PRIORITY:
            assert all(now.due_at(timer) >= before.due_at(timer) for timer in Timer)
            if before.responded_at is not None:
                assert now.response_due_at == before.response_due_at


@law
def test_a_breach_stays(history: list[Entry], gap: int) -> None:
    moments = [*(entry.at for entry in history), history[-1].at + minutes(gap)]
    stages = [*prefixes(history), told(history)]
    for timer in Timer:
        seen = [stage.breached_at(timer, at) for stage, at in zip(stages, moments, strict=True)]
        first = next((at for at in seen if at is not None), None)
        if first is not None:
            assert seen[seen.index(first) :] == [first] * (len(seen) - seen.index(first))


@law
def test_what_passed_and_what_is_left_make_the_target(history: list[Entry], gap: int) -> None:
    sla, now = told(history), history[-1].at + minutes(gap)
    held = sla.targets.calendar
    passed = working_time_between(held, sla.opened_at, now)
    targets = {
        RESPONSE: sla.targets.response + sla.paused_time(RESPONSE),
        RESOLUTION: sla.targets.resolution + sla.paused_time(RESOLUTION),
    }
    for timer, target in targets.items():
        left = sla.remaining(timer, now)
        assert (left is None) == (not sla.is_running(timer))
        if left:
            assert passed + left == target
        assert left != minutes(0) or sla.due_at(timer) <= now


@given(HISTORIES)
@settings(deadline=None)
def test_words_change_nothing(history: list[Entry]) -> None:
    telling = [each for each in history[1:] if each.kind in TIMER_KINDS]
    assert build_timers([history[0], *telling]) == build_timers(history)


@law
def test_a_breach_is_to_be_noted_just_when_that_is_due(history: list[Entry], gap: int) -> None:
    sla, now = told(history), history[-1].at + minutes(gap)
    due = DueTimes.of(sla).next_due_at
    assert bool(sla.unrecorded_breaches(now)) == (due is not None and due < now)
    if due is not None:
        assert sla.unrecorded_breaches(due + MINUTE)


@law
def test_noting_breaches_changes_nothing_but_that(history: list[Entry], gap: int) -> None:
    now = history[-1].at + minutes(gap)
    sla = told(history)
    notes = [
        replace(history[-1], seq=len(history) + number, at=now, kind=each.kind, new_value=each.new)
        for number, each in enumerate(breach_changes(sla, now), 1)
    ]
    later = told([*history, *notes])
    for timer in Timer:
        assert later.due_at(timer) == sla.due_at(timer)
        assert later.breached_at(timer, now) == sla.breached_at(timer, now)
        assert (timer in later.recorded) == (sla.breached_at(timer, now) is not None)
    assert later.unrecorded_breaches(now) == {}


@pytest.mark.parametrize("held", [None, OFFICE], ids=["every second", "office hours"])
@given(st.data())
@settings(deadline=None, max_examples=40)
def test_somebody_with_a_watch_comes_to_the_same(
    held: Calendar | None, data: st.DataObject
) -> None:
    history = data.draw(histories([held]))
    now = history[-1].at + minutes(data.draw(GAPS))
    sla = told(history)
    seen = watched(told(history[:1]).targets, history, now)
    assert {timer for timer in Timer if sla.breached_at(timer, now)} == seen.breached
    assert (sla.responded_at is not None) == seen.responded
    for timer in Timer:
        left = sla.remaining(timer, now)
        passed = seen.target(timer) - seen.passed[timer]
        assert left == (max(passed, minutes(0)) if seen.is_running(timer) else None)
