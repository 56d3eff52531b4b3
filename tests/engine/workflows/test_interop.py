"""The state machines of two libraries allow the same transitions as a policy."""

import gc
from itertools import product

import pytest
from hypothesis import given, settings
from statemachine import registry

from engine.declaration.defaults import default_workflows
from engine.vocabulary import ROLE_COMBINATIONS, STATUSES
from engine.workflows import interop
from engine.workflows.compiler import compile_workflow
from engine.workflows.policy import Policy, permits
from tests.support.policies import EVERY_PAIR, POLICIES

DEFAULTS = {each.name: compile_workflow(each).policy for each in default_workflows()}


def assert_same_transitions(policy: Policy) -> None:
    chart, machine = interop.statechart_of(policy), interop.machine_of(policy)
    for source, target, actor in product(STATUSES, STATUSES, ROLE_COMBINATIONS):
        expected = permits(policy, source, target, actor)
        assert interop.statechart_permits(chart, source, target, actor) == expected
        assert interop.machine_permits(machine, source, target, actor) == expected


@pytest.mark.parametrize("name", DEFAULTS)
def test_both_libraries_agree_on_a_default_workflow(name: str) -> None:
    assert_same_transitions(DEFAULTS[name])


@settings(max_examples=25, deadline=None)
@given(POLICIES)
def test_both_libraries_agree_on_any_workflow(policy: Policy) -> None:
    assert_same_transitions(policy)


@settings(deadline=None)
@given(POLICIES)
def test_the_round_trip_preserves_the_policy(policy: Policy) -> None:
    assert interop.policy_of_statechart(interop.statechart_of(policy)) == policy
    assert interop.policy_of_machine(interop.machine_of(policy)) == policy


def test_drawing_does_not_leak_classes() -> None:
    for policy in [*DEFAULTS.values(), EVERY_PAIR]:
        interop.statechart_of(policy)
    known = len(registry._REGISTRY)  # noqa: SLF001 - it never forgets a name
    for policy in DEFAULTS.values():
        interop.statechart_of(policy)
    gc.collect()
    assert len(registry._REGISTRY) == known  # noqa: SLF001
    assert len(interop.DeclaredStates.__subclasses__()) == 1, (
        "the registry keeps only the last class"
    )
