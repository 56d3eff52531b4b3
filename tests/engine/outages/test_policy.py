"""The decision table by examples, and every state that any sequence of events leads to."""

from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from functools import reduce
from typing import Final

import pytest

from engine.audit.history import StoredEntry, find_flaw
from engine.declaration.models import Service
from engine.outages.policy import (
    DECISION_TABLE,
    OutageAction,
    Phase,
    TicketState,
    WaitReason,
    outage_title,
    wait_reason,
    worst_status,
)
from engine.tickets.history import GENESIS, EntryKind
from engine.tickets.system_actor import SystemReason, system_reason
from engine.vocabulary import SYSTEM, ServiceStatus, Status
from tests.support.outage_world import (
    DECLARED,
    DOWN,
    EVENTS,
    FLAPPING,
    HOLD,
    LONG,
    OPERATIONAL,
    TICK,
    WINDOW,
    Event,
    World,
    declared,
    handle,
    handle_by_user,
    last_transition,
    report,
    wait,
)
from tests.support.paths import DOCS


def test_the_table_has_an_action_for_every_combination() -> None:
    assert {phase: set(row) for phase, row in DECISION_TABLE.items()} == {
        phase: set(TicketState) for phase in Phase
    }


@pytest.mark.parametrize("case", TicketState)
def test_nothing_is_written_unless_a_new_status_can_be_handled(case: TicketState) -> None:
    for phase in (Phase.HANDLED, Phase.INCONCLUSIVE, Phase.WAITING):
        assert not DECISION_TABLE[phase][case].writes


@pytest.mark.parametrize(
    ("reported", "status"),
    [
        ([], "OPERATIONAL"),
        (["UNKNOWN", "DEGRADED"], "DEGRADED"),
        (["DEGRADED", "DOWN", "UNKNOWN"], "DOWN"),
        (["DOWN", "MAINTENANCE"], "MAINTENANCE"),
    ],
)
def test_the_most_severe_reported_status_counts(reported: list[str], status: str) -> None:
    assert worst_status(map(ServiceStatus, reported)) == status


def test_the_documentation_shows_the_table() -> None:
    text = (DOCS / "outages.md").read_text("utf-8")
    for phase in (Phase.DOWN, Phase.UP):
        actions = " | ".join(DECISION_TABLE[phase][case] for case in TicketState)
        assert f"| {phase} | {actions} |" in text


def test_a_long_path_keeps_its_end_in_the_title() -> None:
    assert outage_title("acme/shop") == "acme/shop is DOWN"
    title = outage_title("a/" * 200 + "payment-api")
    assert len(title) == 200
    assert title.startswith("…")
    assert title.endswith("/payment-api is DOWN")


def explore() -> Iterator[tuple[World, World]]:
    """Yield every step, before and after, that any sequence of events leads to."""
    first = handle(World())
    seen, frontier = {first.abstract}, deque([first])
    while frontier:
        before = frontier.popleft()
        for event in EVENTS.values():
            after = before.after(event)
            yield before, after
            if after.abstract not in seen:
                seen.add(after.abstract)
                frontier.append(after)


@pytest.fixture(scope="module")
def steps() -> list[tuple[World, World]]:
    return list(explore())


Steps = list[tuple[World, World]]


@pytest.fixture(scope="module")
def states(steps: Steps) -> list[World]:
    """Return one world for each abstract state."""
    return list({world.abstract: world for _, world in steps}.values())


def test_all_possible_combinations_of_the_table_are_explored(steps: Steps) -> None:
    """Three combinations are impossible.

    After a handled recovery, no live ticket is unhandled. During a handled outage, the latest
    ticket is not one that `system` closed for a recovery.
    """
    impossible = {
        (Phase.DOWN, TicketState.UNHANDLED),
        (Phase.DOWN, TicketState.WORKFLOW_RETIRED),
        (Phase.UP, TicketState.REOPENABLE),
    }
    everything = {(phase, case) for phase in Phase for case in TicketState}
    assert {world.met for _, world in steps} == everything - impossible
    assert {world.done for _, world in steps} == set(OutageAction)


def test_there_are_never_two_live_tickets(steps: Steps) -> None:
    assert max(len(world.live) for _, world in steps) == 1


def test_a_ticket_handled_by_a_user_is_never_closed_for_a_recovery(steps: Steps) -> None:
    for before, after in steps:
        if after.done is OutageAction.CLOSE:
            [closed] = before.live
            assert not closed.handled_by_user
            latest = after.latest
            assert latest is not None
            assert not latest.handled_by_user


def test_after_a_recovery_only_tickets_handled_by_a_user_are_live(steps: Steps) -> None:
    for _, after in steps:
        if after.status is OPERATIONAL and after.enabled and not after.workflow_retired:
            assert all(each.handled_by_user for each in after.live)


def test_a_recovery_ends_the_outage_once_nothing_blocks_it(states: list[World]) -> None:
    for world in states:
        free = world.after(EVENTS["workflow declared"]).after(EVENTS["plugin on"])
        recovered = free.after(report(OPERATIONAL))
        assert all(each.handled_by_user for each in recovered.live)
        assert recovered.last_handled_status is OPERATIONAL


def test_an_outage_has_a_ticket_once_nothing_blocks_it(states: list[World]) -> None:
    events = (
        *("plugin on", "workflow declared", "service declared"),
        *("auto ticket on", "hold-down over"),
    )
    for world in states:
        if world.status is DOWN and world.last_handled_status is not DOWN:
            free = reduce(World.after, (EVENTS[event] for event in events), world)
            assert len(free.live) == 1
            assert free.last_handled_status is DOWN


def test_a_repeated_report_changes_nothing(states: list[World]) -> None:
    for world in states:
        again = world.after(report(world.status))
        if world.done is not OutageAction.WAIT and world.now - world.since >= HOLD:
            assert again.done is OutageAction.NOTHING
            assert again.tickets == world.tickets


def test_the_system_moves_no_ticket_of_a_retired_workflow(steps: Steps) -> None:
    for _, after in steps:
        if after.workflow_retired:
            assert after.done not in {OutageAction.OPEN, OutageAction.REOPEN, OutageAction.CLOSE}


def test_nothing_is_written_while_ticketing_is_off(steps: Steps) -> None:
    for before, after in steps:
        if not after.enabled:
            assert after.tickets == before.tickets


def test_only_tickets_that_the_system_closed_for_a_recovery_are_reopened(steps: Steps) -> None:
    for before, after in steps:
        if after.done is OutageAction.REOPEN:
            latest = before.latest
            assert latest is not None
            closing = last_transition(latest)
            assert (closing.actor, closing.new_value) == (SYSTEM, Status.CLOSED)
            assert system_reason(closing) is SystemReason.SERVICE_RECOVERED
            assert after.since - closing.at <= WINDOW


def test_every_history_passes_the_audit(steps: Steps) -> None:
    for before, world in steps:
        for history in {*world.tickets} - {*before.tickets}:
            digest, stored = GENESIS, list[StoredEntry]()
            for entry in history:
                digest = entry.digest(digest)
                stored.append(StoredEntry(entry, digest))
            assert find_flaw(DECLARED, world.outage(history).ticket, digest, stored) is None


def play(*events: Event, service: Service = FLAPPING) -> World:
    """Return the world after these events."""
    return reduce(World.after, events, handle(World(service=service)))


AT_ONCE: Final = declared()


def test_without_delays_a_ticket_is_opened_and_closed_at_once_and_never_reopened() -> None:
    down = play(report(DOWN), service=AT_ONCE)
    assert (down.done, len(down.live)) == (OutageAction.OPEN, 1)
    up = down.after(report(OPERATIONAL))
    assert (up.done, up.live) == (OutageAction.CLOSE, [])
    again = up.after(report(DOWN))
    assert (again.done, len(again.tickets)) == (OutageAction.OPEN, 2)


def test_an_outage_shorter_than_the_hold_down_opens_no_ticket() -> None:
    world = play(report(DOWN), report(OPERATIONAL), wait(HOLD))
    assert (world.done, world.tickets) == (OutageAction.NOTHING, ())


def test_an_outage_opens_its_ticket_when_the_hold_down_is_over() -> None:
    waiting = play(report(DOWN))
    assert (waiting.done, wait_reason(waiting.state)) == (OutageAction.WAIT, WaitReason.HOLD_DOWN)
    assert waiting.after(wait(HOLD)).done is OutageAction.OPEN


def test_a_recovery_adds_one_comment_to_a_ticket_handled_by_a_user() -> None:
    world = play(report(DOWN), wait(HOLD), handle_by_user, report(OPERATIONAL))
    assert world.done is OutageAction.COMMENT
    comment = world.tickets[-1][-1]
    assert (comment.actor, comment.kind) == (SYSTEM, EntryKind.COMMENT)
    assert "has recovered" in str(comment.new_value)
    assert world.after(report(OPERATIONAL)).done is OutageAction.NOTHING
    down_again = world.after(report(DOWN)).after(wait(HOLD))
    assert "is DOWN again" in str(down_again.tickets[-1][-1].new_value)
    assert len(down_again.live) == 1


def test_a_ticket_that_a_user_closed_during_an_outage_stays_closed() -> None:
    closed = play(report(DOWN), wait(HOLD), EVENTS["resolved"], EVENTS["closed"])
    still_down = closed.after(report(ServiceStatus.DEGRADED)).after(report(DOWN))
    assert still_down.after(wait(HOLD)).live == []


@pytest.mark.parametrize(("pause", "action"), [(TICK, "reopen"), (WINDOW, "open")])
def test_a_new_outage_reopens_the_ticket_only_within_the_window(
    pause: timedelta, action: OutageAction
) -> None:
    recovered = play(report(DOWN), wait(HOLD), report(OPERATIONAL))
    again = recovered.after(wait(pause)).after(report(DOWN)).after(wait(HOLD))
    assert (again.done, len(again.live)) == (action, 1)


def test_the_hold_down_does_not_count_towards_the_reopen_window() -> None:
    slow = declared(holdDown="2m", reopenWithin="1m")
    world = play(report(DOWN), wait(HOLD), report(OPERATIONAL), service=slow)
    again = world.after(report(DOWN)).after(wait(HOLD))
    assert again.done is OutageAction.REOPEN


@pytest.mark.parametrize(
    ("event", "reason"),
    [
        ("service retired", WaitReason.SERVICE_RETIRED),
        ("auto ticket off", WaitReason.AUTO_TICKET_OFF),
        ("workflow retired", WaitReason.WORKFLOW_RETIRED),
        ("plugin off", WaitReason.PLUGIN_DISABLED),
    ],
)
def test_a_blocked_service_waits_with_a_reason(event: str, reason: WaitReason) -> None:
    world = play(EVENTS[event], report(DOWN), wait(LONG))
    assert (world.done, wait_reason(world.state)) == (OutageAction.WAIT, reason)


def test_a_recovery_waits_for_a_retired_workflow() -> None:
    retired = EVENTS["workflow retired"]
    world = play(report(DOWN), wait(HOLD), retired, report(OPERATIONAL))
    assert world.done is OutageAction.WAIT
    assert wait_reason(world.state) is WaitReason.WORKFLOW_RETIRED
    assert world.after(EVENTS["workflow declared"]).done is OutageAction.CLOSE
