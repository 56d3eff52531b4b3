"""Two foreign state machines, made from the same policy, give the same answers."""

from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.vocabulary import EVERY_ACTOR, STATUSES, Role
from engine.workflows import interop
from engine.workflows.compiler import compile_workflow
from engine.workflows.defaults import default_workflows
from engine.workflows.policy import Policy, permits, policy_of

PAIRS = [pair for pair in product(STATUSES, STATUSES) if pair[0] is not pair[1]]
POLICIES = st.dictionaries(st.sampled_from(PAIRS), st.sampled_from(Role)).map(
    lambda moves: policy_of((*pair, role) for pair, role in moves.items())
)
DEFAULTS = {each.name: compile_workflow(each).policy for each in default_workflows()}


def assert_same_answers(policy: Policy) -> None:
    chart, machine = interop.statechart_of(policy), interop.machine_of(policy)
    for source, target, actor in product(STATUSES, STATUSES, EVERY_ACTOR):
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
