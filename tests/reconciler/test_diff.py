"""The diff says exactly what must change, and what each changed transition means."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.resources.resource import Kind, Resource, Snapshot
from engine.vocabulary import ROLE_COMBINATIONS, STATUSES
from engine.workflows.policy import permits
from reconciler.diff import Action, Change, applied, diff
from reconciler.permissions_diff import Effect, last_known_policy, transition_changes
from tests.support.generated_plans import in_force, live_snapshots, snapshots
from tests.support.plans import INCIDENT
from tests.support.policies import POLICIES
from tests.support.resources import retired, snapshot, workflow


@given(live_snapshots(), snapshots())
def test_applying_the_diff_makes_the_desired(live: Snapshot, desired: Snapshot) -> None:
    after = applied(live, diff(live, desired))
    assert in_force(after) == desired
    assert after.keys() == live.keys() | desired.keys()


@given(live_snapshots())
def test_there_is_nothing_to_do_where_nothing_differs(live: Snapshot) -> None:
    assert diff(live, in_force(live)) == ()


@given(live_snapshots(), snapshots(), st.randoms(use_true_random=False))
def test_order_does_not_matter(live: Snapshot, desired: Snapshot, rng: random.Random) -> None:
    def shuffled(resources: Snapshot) -> Snapshot:
        keys = list(resources)
        rng.shuffle(keys)
        return {key: resources[key] for key in keys}

    assert diff(shuffled(live), shuffled(desired)) == diff(live, desired)


@given(live_snapshots(), snapshots())
def test_a_change_comes_after_what_it_refers_to(live: Snapshot, desired: Snapshot) -> None:
    kinds = [change.key.kind for change in diff(live, desired)]
    assert kinds == sorted(kinds, key=[*Kind].index)


@given(live_snapshots(), snapshots())
def test_the_inverse_leads_back(live: Snapshot, desired: Snapshot) -> None:
    changes = diff(live, desired)
    back = applied(applied(live, changes), tuple(change.inverse for change in changes))
    assert in_force(back) == in_force(live)


OLD = workflow("w", INCIDENT)
NEW = workflow("w", INCIDENT | {("OPEN", "CLOSED"): "any"})

ACTIONS = {
    "what is new is created": (None, OLD, Action.CREATE),
    "what differs is updated": (OLD, NEW, Action.UPDATE),
    "what is missing is retired": (OLD, retired(OLD), Action.RETIRE),
    "what comes back is revived": (retired(OLD), OLD, Action.REVIVE),
    "what comes back changed is revived": (retired(OLD), NEW, Action.REVIVE),
}


@pytest.mark.parametrize(("before", "after", "action"), ACTIONS.values(), ids=ACTIONS)
def test_an_action(before: Resource | None, after: Resource, action: Action) -> None:
    live = snapshot(before) if before else {}
    changes = diff(live, in_force(snapshot(after)))
    assert changes == (Change(before, after),)
    assert changes[0].action is action


def test_what_is_retired_already_is_left_alone() -> None:
    assert diff(snapshot(retired(OLD)), {}) == ()


@given(POLICIES, POLICIES)
def test_changed_moves_are_those_that_somebody_feels(before: int, after: int) -> None:
    changed = {(each.source, each.target): each for each in transition_changes(before, after)}
    for source in STATUSES:
        for target in STATUSES:
            could = {a for a in ROLE_COMBINATIONS if permits(before, source, target, a)}
            can = {a for a in ROLE_COMBINATIONS if permits(after, source, target, a)}
            move = changed.get((source, target))
            assert (move is None) == (could == can)
            if move is not None:
                assert move.widens == bool(can - could)
                assert move.narrows == bool(could - can)


EFFECTS = {
    (None, "any"): Effect.ADDED,
    ("any", None): Effect.REMOVED,
    ("assignee", "any"): Effect.WIDENED,
    ("any", "requester"): Effect.NARROWED,
    ("assignee", "requester"): Effect.SWAPPED,
}


@pytest.mark.parametrize(("before", "after"), EFFECTS, ids=map(str, EFFECTS.values()))
def test_an_effect(before: str | None, after: str | None) -> None:
    def policy(role: str | None) -> int:
        moves = INCIDENT | ({("OPEN", "CLOSED"): role} if role else {})
        return last_known_policy(workflow("w", moves))

    [move] = transition_changes(policy(before), policy(after))
    assert (move.before, move.after) == (before, after)
    assert move.effect is EFFECTS[before, after]
