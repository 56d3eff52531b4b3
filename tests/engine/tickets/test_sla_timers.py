"""The SLA timers: examples, laws, and a comparison with a slow reference implementation."""

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
    breach_after,
    comment_after,
    histories,
    history_of,
    make_targets,
    minutes,
    reference_timers,
    targets_after,
    transition_after,
)
from tests.support.ticket_examples import CREATED

PICKED_UP, RESOLVED, CLOSED = Status.IN_PROGRESS, Status.RESOLVED, Status.CLOSED
DAY = (Shift.parse("09:00-17:00"),)
OFFICE = Calendar("office", "Europe/Budapest", (*[DAY] * 5, (), ()))
RESPONSE, RESOLUTION = Timer
HIGH = make_targets(30, 480)
LOW = make_targets(1440, 7200)


def timers_of(history: list[Entry]) -> SlaTimers:
    timers = build_timers(history)
    assert timers is not None
    return timers


def after(count: int) -> datetime:
    return MONDAY + minutes(count)


EXAMPLES: dict[str, tuple[list[Entry], datetime, datetime, set[Timer]]] = {
    "just opened": (history_of(HIGH), after(30), after(480), set()),
    "picked up in time": (
        history_of(HIGH, transition_after(29, PICKED_UP)),
        *(after(30), after(480), set()),
    ),
    "picked up exactly at the due time": (
        history_of(HIGH, transition_after(30, PICKED_UP)),
        *(after(30), after(480), set()),
    ),
    "picked up too late": (
        history_of(HIGH, transition_after(31, PICKED_UP)),
        *(after(30), after(480), {RESPONSE}),
    ),
    "resolved in time": (
        history_of(HIGH, transition_after(10, PICKED_UP), transition_after(470, RESOLVED)),
        *(after(30), after(480), set()),
    ),
    "closed in time by the system, never picked up": (
        history_of(HIGH, transition_after(10, CLOSED, actor=SYSTEM), comment_after(9000)),
        *(after(30), after(480), set()),
    ),
    "re-opened by the system, and still not picked up": (
        history_of(
            HIGH,
            transition_after(10, CLOSED, actor=SYSTEM),
            transition_after(100, Status.OPEN),
            comment_after(21),
        ),
        *(after(130), after(580), {RESPONSE}),
    ),
    "re-opened by the system and picked up in time": (
        history_of(
            HIGH,
            *(
                transition_after(10, CLOSED, actor=SYSTEM),
                transition_after(100, Status.OPEN),
                transition_after(20, PICKED_UP),
            ),
            *(transition_after(10, RESOLVED), transition_after(1000, PICKED_UP)),
        ),
        *(after(130), after(1580), set()),
    ),
    "resolved without being picked up, and re-opened": (
        history_of(HIGH, transition_after(20, RESOLVED), transition_after(100, PICKED_UP)),
        *(after(130), after(580), set()),
    ),
    "resolved too late, and never picked up": (
        history_of(HIGH, transition_after(500, RESOLVED)),
        *(after(30), after(480), {RESPONSE, RESOLUTION}),
    ),
    "re-opened, which adds the pause": (
        history_of(
            HIGH,
            transition_after(10, PICKED_UP),
            transition_after(100, RESOLVED),
            transition_after(600, PICKED_UP),
        ),
        *(after(30), after(1080), set()),
    ),
    "re-opened twice": (
        history_of(
            HIGH,
            *(
                transition_after(10, PICKED_UP),
                transition_after(100, RESOLVED),
                transition_after(600, PICKED_UP),
            ),
            *(
                transition_after(100, RESOLVED),
                transition_after(50, Status.OPEN),
                transition_after(310, RESOLVED),
            ),
        ),
        *(after(30), after(1130), {RESOLUTION}),
    ),
    "closed while it was resolved": (
        history_of(
            HIGH,
            transition_after(10, PICKED_UP),
            transition_after(10, RESOLVED),
            transition_after(9000, CLOSED),
        ),
        *(after(30), after(480), set()),
    ),
    "back in the queue, which does not restart the response timer": (
        history_of(
            HIGH,
            transition_after(10, PICKED_UP),
            transition_after(10, Status.OPEN),
            transition_after(90, PICKED_UP),
        ),
        *(after(30), after(480), set()),
    ),
    "longer targets, which count from the opening": (
        history_of(HIGH, transition_after(10, PICKED_UP), targets_after(50, LOW)),
        *(after(1440), after(7200), set()),
    ),
    "shorter targets that are already missed": (
        history_of(LOW, targets_after(500, HIGH), transition_after(10, PICKED_UP)),
        *(after(30), after(480), {RESPONSE, RESOLUTION}),
    ),
    "a breach that stays with longer targets": (
        history_of(HIGH, targets_after(60, LOW), transition_after(10, PICKED_UP)),
        *(after(1440), after(7200), {RESPONSE}),
    ),
    "a change of priority that keeps the pauses": (
        history_of(
            HIGH,
            *(
                transition_after(10, PICKED_UP),
                transition_after(10, RESOLVED),
                transition_after(100, PICKED_UP),
            ),
            targets_after(1, LOW),
        ),
        *(after(1440), after(7300), set()),
    ),
    "comments, which change nothing": (
        history_of(HIGH, comment_after(60), transition_after(10, PICKED_UP)),
        *(after(30), after(480), {RESPONSE}),
    ),
    "office hours": (
        history_of(make_targets(30, 480, calendar=OFFICE)),
        *(after(30), MONDAY + timedelta(days=1), set()),
    ),
}


@pytest.mark.parametrize(
    ("history", "response", "resolution", "breached"), EXAMPLES.values(), ids=EXAMPLES
)
def test_a_ticket_is_due(
    history: list[Entry], response: datetime, resolution: datetime, breached: set[Timer]
) -> None:
    timers = timers_of(history)
    now = history[-1].at
    assert tuple(map(timers.due_at, Timer)) == (response, resolution)
    assert {timer for timer in Timer if timers.breached_at(timer, now)} == breached


def test_a_ticket_has_no_timers_without_targets_in_its_first_entry() -> None:
    assert build_timers([CREATED]) is None
    assert (
        build_timers(history_of(None, targets_after(1, HIGH), transition_after(9, PICKED_UP)))
        is None
    )


def test_the_remaining_time_is_known_while_a_timer_runs() -> None:
    timers = timers_of(history_of(HIGH, transition_after(10, PICKED_UP)))
    assert timers.remaining(RESPONSE, after(20)) is None
    assert timers.remaining(RESOLUTION, after(20)) == minutes(460)
    assert timers.remaining(RESOLUTION, after(500)) == minutes(0)


def test_only_office_hours_remain() -> None:
    timers = timers_of(history_of(make_targets(30, 600, calendar=OFFICE)))
    assert timers.remaining(RESOLUTION, MONDAY + timedelta(hours=12)) == minutes(600 - 420)


def test_a_breach_is_recorded_once() -> None:
    steps = [transition_after(500, PICKED_UP)]
    timers = timers_of(history_of(HIGH, *steps))
    found = breach_changes(timers, after(500))
    assert [(each.kind, each.new, each.details) for each in found] == [
        (EntryKind.SLA_BREACH, "response", '{"due_at": "2026-04-27T08:30:00.000000Z"}'),
        (EntryKind.SLA_BREACH, "resolution", '{"due_at": "2026-04-27T16:00:00.000000Z"}'),
    ]
    once = timers_of(history_of(HIGH, *steps, breach_after(1, RESPONSE)))
    assert [each.new for each in breach_changes(once, after(502))] == ["resolution"]
    twice = timers_of(
        history_of(HIGH, *steps, breach_after(1, RESPONSE), breach_after(0, RESOLUTION))
    )
    assert (breach_changes(twice, after(9000)), twice.next_due_at) == ((), None)


def test_a_due_time_is_explained_item_by_item() -> None:
    targets = make_targets(30, 480, calendar=OFFICE)
    timers = timers_of(
        history_of(
            targets,
            *(
                transition_after(40, PICKED_UP),
                transition_after(20, RESOLVED),
                transition_after(60, PICKED_UP),
            ),
            targets_after(1, replace(targets, resolution=minutes(500))),
        )
    )
    assert explain_due_time(timers, RESOLUTION) == (
        SlaReason("opened", MONDAY),
        SlaReason("resolution target set by the priority HIGH", adds=minutes(500)),
        SlaReason("RESOLVED or CLOSED until re-opened", after(120), minutes(60)),
        SlaReason("only the working time of office counts"),
        SlaReason("due", timers.due_at(RESOLUTION)),
    )
    assert explain_due_time(timers, RESPONSE) == (
        SlaReason("opened", MONDAY),
        SlaReason("response target set by the priority HIGH", adds=minutes(30)),
        SlaReason("only the working time of office counts"),
        SlaReason("missed an earlier due time", after(30)),
        SlaReason("due", after(30)),
    )


HIEXAMPLES = histories([None, OFFICE])


def law(check: Callable[..., None]) -> Callable[..., None]:
    return settings(deadline=None)(given(HIEXAMPLES, GAPS)(check))


def prefixes(history: list[Entry]) -> list[SlaTimers]:
    return [timers_of(history[: length + 1]) for length in range(len(history))]


@given(HIEXAMPLES)
@settings(deadline=None)
def test_a_due_time_never_becomes_earlier_without_new_targets(history: list[Entry]) -> None:
    stages = prefixes(history)
    for entry, before, now in zip(history[1:], stages, stages[1:], strict=False):
        if entry.kind is not EntryKind.PRIORITY:
            assert all(now.due_at(timer) >= before.due_at(timer) for timer in Timer)
            if before.responded_at is not None:
                assert now.due_at(RESPONSE) == before.due_at(RESPONSE)


@law
def test_a_breach_stays(history: list[Entry], gap: int) -> None:
    times = [*(entry.at for entry in history), history[-1].at + minutes(gap)]
    stages = [*prefixes(history), timers_of(history)]
    for timer in Timer:
        seen = [stage.breached_at(timer, at) for stage, at in zip(stages, times, strict=True)]
        first = next((at for at in seen if at is not None), None)
        if first is not None:
            assert seen[seen.index(first) :] == [first] * (len(seen) - seen.index(first))


@law
def test_the_passed_and_the_remaining_time_add_up_to_the_target(
    history: list[Entry], gap: int
) -> None:
    timers, now = timers_of(history), history[-1].at + minutes(gap)
    passed = working_time_between(timers.targets.calendar, timers.opened_at, now)
    for timer in Timer:
        target = timers.target(timer) + timers.paused_time(timer)
        left = timers.remaining(timer, now)
        assert (left is None) == (not timers.is_running(timer))
        if left:
            assert passed + left == target
        assert left != minutes(0) or timers.due_at(timer) <= now


@given(HIEXAMPLES)
@settings(deadline=None)
def test_only_entries_of_timer_kinds_change_the_timers(history: list[Entry]) -> None:
    relevant = [each for each in history[1:] if each.kind in TIMER_KINDS]
    assert build_timers([history[0], *relevant]) == build_timers(history)


@law
def test_a_breach_must_be_recorded_exactly_after_the_next_due_time(
    history: list[Entry], gap: int
) -> None:
    timers, now = timers_of(history), history[-1].at + minutes(gap)
    due = DueTimes.of(timers).next_due_at
    assert bool(timers.unrecorded_breaches(now)) == (due is not None and due < now)
    if due is not None:
        assert timers.unrecorded_breaches(due + MINUTE)


@law
def test_recording_breaches_does_not_change_due_times(history: list[Entry], gap: int) -> None:
    now = history[-1].at + minutes(gap)
    timers = timers_of(history)
    breaches = [
        replace(history[-1], seq=len(history) + number, at=now, kind=each.kind, new_value=each.new)
        for number, each in enumerate(breach_changes(timers, now), 1)
    ]
    later = timers_of([*history, *breaches])
    for timer in Timer:
        assert later.due_at(timer) == timers.due_at(timer)
        assert later.breached_at(timer, now) == timers.breached_at(timer, now)
        assert (timer in later.recorded) == (timers.breached_at(timer, now) is not None)
    assert later.unrecorded_breaches(now) == {}


@pytest.mark.parametrize("calendar", [None, OFFICE], ids=["no calendar", "office hours"])
@given(st.data())
@settings(deadline=None, max_examples=40)
def test_the_reference_implementation_agrees(
    calendar: Calendar | None, data: st.DataObject
) -> None:
    history = data.draw(histories([calendar]))
    now = history[-1].at + minutes(data.draw(GAPS))
    timers = timers_of(history)
    expected = reference_timers(timers_of(history[:1]).targets, history, now)
    assert {timer for timer in Timer if timers.breached_at(timer, now)} == expected.breached
    assert (timers.responded_at is not None) == expected.responded
    for timer in Timer:
        left = timers.remaining(timer, now)
        passed = expected.target(timer) - expected.passed[timer]
        assert left == (max(passed, minutes(0)) if expected.is_running(timer) else None)
