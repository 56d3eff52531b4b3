"""Differences between live and desired resources."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.resources.resource import Kind, Resource, Snapshot
from reconciler.diff import Action, Change, apply_changes, diff
from tests.support.generated_plans import LIVE_SNAPSHOTS, SNAPSHOTS, active
from tests.support.plans import INCIDENT
from tests.support.resources import retired, snapshot, workflow


@given(LIVE_SNAPSHOTS, SNAPSHOTS)
def test_applying_the_diff_results_in_the_desired_resources(
    live: Snapshot, desired: Snapshot
) -> None:
    after = apply_changes(live, diff(live, desired))
    assert active(after) == desired
    assert after.keys() == live.keys() | desired.keys()


@given(LIVE_SNAPSHOTS)
def test_equal_resources_have_no_diff(live: Snapshot) -> None:
    assert diff(live, active(live)) == ()


@given(LIVE_SNAPSHOTS, SNAPSHOTS, st.randoms(use_true_random=False))
def test_the_order_of_resources_does_not_matter(
    live: Snapshot, desired: Snapshot, rng: random.Random
) -> None:
    def shuffled(resources: Snapshot) -> Snapshot:
        keys = list(resources)
        rng.shuffle(keys)
        return {key: resources[key] for key in keys}

    assert diff(shuffled(live), shuffled(desired)) == diff(live, desired)


@given(LIVE_SNAPSHOTS, SNAPSHOTS)
def test_a_change_comes_after_those_that_it_can_refer_to(live: Snapshot, desired: Snapshot) -> None:
    kinds = [change.kind for change in diff(live, desired)]
    assert kinds == sorted(kinds, key=[*Kind].index)


@given(LIVE_SNAPSHOTS, SNAPSHOTS)
def test_inverse_changes_undo_changes(live: Snapshot, desired: Snapshot) -> None:
    changes = diff(live, desired)
    back = apply_changes(apply_changes(live, changes), (change.inverse for change in changes))
    assert active(back) == active(live)


OLD = workflow("w", INCIDENT)
NEW = workflow("w", INCIDENT | {("OPEN", "CLOSED"): "any"})

ACTIONS = {
    "a new resource is created": (None, OLD, Action.CREATE),
    "a different resource is updated": (OLD, NEW, Action.UPDATE),
    "a missing resource is retired": (OLD, retired(OLD), Action.RETIRE),
    "a retired resource is revived": (retired(OLD), OLD, Action.REVIVE),
    "a different retired resource is revived": (retired(OLD), NEW, Action.REVIVE),
}


@pytest.mark.parametrize(("before", "after", "action"), ACTIONS.values(), ids=ACTIONS)
def test_actions(before: Resource | None, after: Resource, action: Action) -> None:
    live = snapshot(before) if before else {}
    changes = diff(live, active(snapshot(after)))
    assert changes == (Change(before, after),)
    assert changes[0].action is action


def test_a_retired_resource_that_is_not_declared_does_not_change() -> None:
    assert diff(snapshot(retired(OLD)), {}) == ()
