"""Two foreign state machines, made from the same policy, give the same answers."""

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


def assert_same_answers(policy: Policy) -> None:
    chart, machine = interop.statechart_of(policy), interop.machine_of(policy)
    for source, target, actor in product(STATUSES, STATUSES, ROLE_COMBINATIONS):
        wanted = permits(policy, source, target, actor)
        assert interop.statechart_permits(chart, source, target, actor) == wanted
        assert interop.machine_permits(machine, source, target, actor) == wanted


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_answers_alike_in_both(name: str) -> None:
    assert_same_answers(DEFAULTS[name])


@settings(max_examples=25, deadline=None)
@given(POLICIES)
def test_any_workflow_answers_alike_in_both(policy: Policy) -> None:
    assert_same_answers(policy)


@settings(deadline=None)
@given(POLICIES)
def test_the_way_there_and_back_changes_nothing(policy: Policy) -> None:
    assert interop.policy_of_statechart(interop.statechart_of(policy)) == policy
    assert interop.policy_of_machine(interop.machine_of(policy)) == policy


def test_a_long_lived_server_keeps_no_class_of_a_drawing() -> None:
    for policy in [*DEFAULTS.values(), EVERY_PAIR]:
        interop.statechart_of(policy)
    known = len(registry._REGISTRY)  # noqa: SLF001 - the trap is in there: it frees no name
    for policy in DEFAULTS.values():
        interop.statechart_of(policy)
    gc.collect()
    assert len(registry._REGISTRY) == known  # noqa: SLF001
    assert len(interop.DeclaredStates.__subclasses__()) == 1, "only the last is kept"
