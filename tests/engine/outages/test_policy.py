"""Outages: the table by hand, and every state that it can lead to, explored whole."""

from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from functools import reduce
from typing import Final

import pytest

from engine.declaration.models import Service
from engine.outages.policy import (
    DECISION_TABLE,
    PASSIVE_ACTIONS,
    OutageAction,
    Phase,
    TicketState,
    WaitReason,
    outage_title,
    wait_reason,
    worst_status,
)
from engine.tickets.audit import StoredEntry, find_flaw
from engine.tickets.history import GENESIS, EntryKind
from engine.tickets.system_actor import SystemReason, system_reason
from engine.vocabulary import SYSTEM, ServiceStatus, Status
from tests.support.outage_world import (
    DOWN,
    EVENTS,
    FLAPPING,
    HOLD,
    LONG,
    MOMENT,
    OPERATIONAL,
    WINDOW,
    Event,
    World,
    answer,
    declared,
    handle_by_user,
    last_move,
    passing,
    reported,
)
from tests.support.paths import DOCS

# --- the table ----------------------------------------------------------------------------------


def test_the_table_has_a_action_for_everything() -> None:
    assert {phase: set(row) for phase, row in DECISION_TABLE.items()} == {
        phase: set(TicketState) for phase in Phase
    }


@pytest.mark.parametrize("case", TicketState)
def test_what_is_answered_unclear_or_held_leads_to_nothing(case: TicketState) -> None:
    for phase in (Phase.HANDLED, Phase.INCONCLUSIVE, Phase.WAITING):
        assert DECISION_TABLE[phase][case] in PASSIVE_ACTIONS


@pytest.mark.parametrize(
    ("reported", "status"),
    [
        ([], "OPERATIONAL"),
        (["UNKNOWN", "DEGRADED"], "DEGRADED"),
        (["DEGRADED", "DOWN", "UNKNOWN"], "DOWN"),
        (["DOWN", "MAINTENANCE"], "MAINTENANCE"),
    ],
)
def test_a_service_is_what_the_gravest_source_says(reported: list[str], status: str) -> None:
    assert worst_status(map(ServiceStatus, reported)) == status


def test_the_table_stands_in_the_documentation() -> None:
    text = (DOCS / "outages.md").read_text("utf-8")
    for phase in (Phase.DOWN, Phase.UP):
        assert (
            f"| {phase} | {' | '.join(DECISION_TABLE[phase][case] for case in TicketState)} |"
            in text
        )


def test_a_long_path_keeps_its_end_in_the_title() -> None:
    assert outage_title("acme/shop") == "acme/shop is DOWN"
    title = outage_title("a/" * 200 + "payment-api")
    assert len(title) == 200
    assert title.startswith("…")
    assert title.endswith("/payment-api is DOWN")


def explored() -> Iterator[tuple[World, World]]:
    """Yield every step that any sequence of events can lead to, each kind of state once."""
    first = answer(World())
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
    return list(explored())


Steps = list[tuple[World, World]]


@pytest.fixture(scope="module")
def states(steps: Steps) -> list[World]:
    """Return a world of each kind."""
    return list({world.abstract: world for _, world in steps}.values())


def test_all_of_the_table_is_explored_but_what_can_not_happen(steps: Steps) -> None:
    """A service that was answered UP has no live ticket that nobody touched.

    And one that was answered DOWN has none that the system closed for its recovery.
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


def test_every_outage_ends_closed_or_owned(steps: Steps) -> None:
    for _, after in steps:
        if after.status is OPERATIONAL and after.enabled and not after.workflow_retired:
            assert all(each.handled_by_user for each in after.live)


def test_whatever_happened_a_recovery_ends_the_outage_once_nothing_is_in_its_way(
    states: list[World],
) -> None:
    for world in states:
        free = world.after(EVENTS["workflow declared"]).after(EVENTS["plugin on"])
        recovered = free.after(reported(OPERATIONAL))
        assert all(each.handled_by_user for each in recovered.live)
        assert recovered.last_handled_status is OPERATIONAL


def test_an_outage_has_a_ticket_once_nothing_is_in_its_way(states: list[World]) -> None:
    """Unless somebody closed the one that it had: then that person has spoken."""
    ways = ("plugin on", "workflow declared", "service declared", "auto ticket on", "hold over")
    for world in states:
        if world.status is DOWN and world.last_handled_status is not DOWN:
            free = reduce(World.after, (EVENTS[way] for way in ways), world)
            assert len(free.live) == 1
            assert free.last_handled_status is DOWN


def test_what_is_reported_again_adds_nothing(states: list[World]) -> None:
    for world in states:
        again = world.after(reported(world.status))
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


def test_only_what_the_system_closed_for_a_recovery_is_opened_again(steps: Steps) -> None:
    for before, after in steps:
        if after.done is OutageAction.REOPEN:
            latest = before.latest
            assert latest is not None
            closing = last_move(latest)
            assert (closing.actor, closing.new_value) == (SYSTEM, Status.CLOSED)
            assert system_reason(closing) is SystemReason.SERVICE_RECOVERED
            assert after.since - closing.at <= WINDOW


def test_every_history_is_whole(steps: Steps) -> None:
    for before, world in steps:
        for history in {*world.tickets} - {*before.tickets}:
            digest, sealed = GENESIS, list[StoredEntry]()
            for entry in history:
                digest = entry.digest(digest)
                sealed.append(StoredEntry(entry, digest))
            assert find_flaw(world.outage(history).ticket, digest, sealed) is None


# --- single stories -----------------------------------------------------------------------------


def told(*events: Event, service: Service = FLAPPING) -> World:
    """Return the world after these events."""
    return reduce(World.after, events, answer(World(service=service)))


AT_ONCE: Final = declared()


def test_without_delays_a_ticket_is_opened_and_closed_at_once_and_never_reopened() -> None:
    down = told(reported(DOWN), service=AT_ONCE)
    assert (down.done, len(down.live)) == (OutageAction.OPEN, 1)
    up = down.after(reported(OPERATIONAL))
    assert (up.done, up.live) == (OutageAction.CLOSE, [])
    again = up.after(reported(DOWN))
    assert (again.done, len(again.tickets)) == (OutageAction.OPEN, 2)


def test_a_short_outage_opens_nothing() -> None:
    world = told(reported(DOWN), reported(OPERATIONAL), passing(HOLD))
    assert (world.done, world.tickets) == (OutageAction.NOTHING, ())


def test_a_held_outage_opens_its_ticket_when_it_is_due() -> None:
    held = told(reported(DOWN))
    assert (held.done, wait_reason(held.state)) == (OutageAction.WAIT, WaitReason.HOLD_DOWN)
    assert held.after(passing(HOLD)).done is OutageAction.OPEN


def test_a_service_that_recovers_under_work_tells_whoever_works_once() -> None:
    world = told(reported(DOWN), passing(HOLD), handle_by_user, reported(OPERATIONAL))
    assert world.done is OutageAction.COMMENT
    comment = world.tickets[-1][-1]
    assert (comment.actor, comment.kind) == (SYSTEM, EntryKind.COMMENT)
    assert "has recovered" in str(comment.new_value)
    assert world.after(reported(OPERATIONAL)).done is OutageAction.NOTHING
    down_again = world.after(reported(DOWN)).after(passing(HOLD))
    assert "is DOWN again" in str(down_again.tickets[-1][-1].new_value)
    assert len(down_again.live) == 1


def test_a_ticket_that_somebody_closed_during_an_outage_stays_closed() -> None:
    closed = told(reported(DOWN), passing(HOLD), EVENTS["resolved"], EVENTS["closed"])
    still_down = closed.after(reported(ServiceStatus.DEGRADED)).after(reported(DOWN))
    assert still_down.after(passing(HOLD)).live == []


@pytest.mark.parametrize(("pause", "response"), [(MOMENT, "reopen"), (WINDOW, "open")])
def test_going_down_again_reopens_only_within_the_window(
    pause: timedelta, response: OutageAction
) -> None:
    recovered = told(reported(DOWN), passing(HOLD), reported(OPERATIONAL))
    again = recovered.after(passing(pause)).after(reported(DOWN)).after(passing(HOLD))
    assert (again.done, len(again.live)) == (response, 1)


def test_holding_down_does_not_use_up_the_window() -> None:
    slow = declared(holdDown="2m", reopenWithin="1m")
    world = told(reported(DOWN), passing(HOLD), reported(OPERATIONAL), service=slow)
    again = world.after(reported(DOWN)).after(passing(HOLD))
    assert again.done is OutageAction.REOPEN


@pytest.mark.parametrize(
    ("event", "hindrance"),
    [
        ("service retired", WaitReason.SERVICE_RETIRED),
        ("auto ticket off", WaitReason.AUTO_TICKET_OFF),
        ("workflow retired", WaitReason.WORKFLOW_RETIRED),
        ("plugin off", WaitReason.PLUGIN_DISABLED),
    ],
)
def test_what_is_in_the_way_is_told(event: str, hindrance: WaitReason) -> None:
    world = told(EVENTS[event], reported(DOWN), passing(LONG))
    assert (world.done, wait_reason(world.state)) == (OutageAction.WAIT, hindrance)


def test_a_recovery_waits_for_a_retired_workflow() -> None:
    retired = EVENTS["workflow retired"]
    world = told(reported(DOWN), passing(HOLD), retired, reported(OPERATIONAL))
    assert world.done is OutageAction.WAIT
    assert wait_reason(world.state) is WaitReason.WORKFLOW_RETIRED
    assert world.after(EVENTS["workflow declared"]).done is OutageAction.CLOSE
