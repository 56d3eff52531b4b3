"""How a changed workflow changes permissions."""

import pytest
from hypothesis import given

from engine.vocabulary import ROLE_COMBINATIONS, STATUSES
from engine.workflows.policy import permits
from reconciler.permissions_diff import Effect, last_known_policy, transition_changes
from tests.support.plans import INCIDENT
from tests.support.policies import POLICIES
from tests.support.resources import workflow


@given(POLICIES, POLICIES)
def test_changed_transitions_are_those_that_other_actors_can_make(before: int, after: int) -> None:
    changed = {(each.source, each.target): each for each in transition_changes(before, after)}
    for source in STATUSES:
        for target in STATUSES:
            old = {a for a in ROLE_COMBINATIONS if permits(before, source, target, a)}
            new = {a for a in ROLE_COMBINATIONS if permits(after, source, target, a)}
            change = changed.get((source, target))
            assert (change is None) == (old == new)
            if change is not None:
                assert change.widens == bool(new - old)
                assert change.narrows == bool(old - new)


EFFECTS = {
    (None, "any"): Effect.ADDED,
    ("any", None): Effect.REMOVED,
    ("assignee", "any"): Effect.WIDENED,
    ("any", "requester"): Effect.NARROWED,
    ("assignee", "requester"): Effect.SWAPPED,
}


@pytest.mark.parametrize(("before", "after"), EFFECTS, ids=map(str, EFFECTS.values()))
def test_effects(before: str | None, after: str | None) -> None:
    def policy(role: str | None) -> int:
        transitions = INCIDENT | ({("OPEN", "CLOSED"): role} if role else {})
        return last_known_policy(workflow("w", transitions))

    [change] = transition_changes(policy(before), policy(after))
    assert (change.before, change.after) == (before, after)
    assert change.effect is EFFECTS[before, after]
