"""A policy allows exactly the declared transitions, for all statuses and roles."""

from itertools import product

import pytest
from hypothesis import given

from engine.declaration.defaults import default_workflows
from engine.declaration.models import DefaultWorkflow
from engine.vocabulary import ROLE_BITS, ROLE_COMBINATIONS, STATUSES, Role, Status
from engine.workflows.compiler import CompiledWorkflow, compile_workflow
from engine.workflows.explanation import explain
from engine.workflows.policy import (
    POLICY_BITS,
    SHIFTS,
    Policy,
    allowed_targets,
    permits,
    policy_of,
    transitions_of,
)
from tests.support.policies import TRANSITIONS, Transitions, is_allowed

DEFAULTS = {workflow.name: workflow for workflow in default_workflows()}


def compiled(declared: Transitions) -> Policy:
    return policy_of((source, target, role) for (source, target), role in declared.items())


def assert_same_transitions(declared: Transitions, policy: Policy) -> None:
    workflow = CompiledWorkflow("w", "W", policy)
    for source, target, actor in product(STATUSES, STATUSES, ROLE_COMBINATIONS):
        expected = is_allowed(declared, source, target, actor)
        assert permits(policy, source, target, actor) == expected
        assert (target in allowed_targets(policy, source, actor)) == expected
        explanation = explain(workflow, source, target, actor)
        assert explanation.allowed == (expected and source is not Status.CLOSED)


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_workflow_is_evaluated_as_declared(name: str) -> None:
    workflow = DEFAULTS[name]
    declared = {(each.source, each.target): each.role for each in workflow.transitions}
    assert_same_transitions(declared, compile_workflow(workflow).policy)


@given(TRANSITIONS)
def test_any_workflow_is_evaluated_as_declared(declared: Transitions) -> None:
    assert_same_transitions(declared, compiled(declared))


@given(TRANSITIONS)
def test_the_transitions_of_a_policy_are_the_declared_ones(declared: Transitions) -> None:
    result = {(source, target): role for source, target, role in transitions_of(compiled(declared))}
    assert result == declared


def test_the_layout_is_the_one_that_the_database_uses() -> None:
    assert [SHIFTS[pair] for pair in product(STATUSES, STATUSES)] == list(range(0, 48, 3))
    assert POLICY_BITS == 48
    assert policy_of([(Status.OPEN, Status.IN_PROGRESS, Role.ASSIGNEE)]) == 1 << 3
    assert policy_of([(Status.RESOLVED, Status.CLOSED, Role.REQUESTER)]) == 2 << 33
    assert ROLE_BITS[Role.ANY] == 7


DEFAULT_TABLE = {
    "incident_response": ("assignee", "assignee", "requester", "any", None),
    "service_request": ("assignee", "assignee", "any", "any", None),
    "change_request": ("assignee", "assignee", "assignee", "assignee", None),
    "problem_investigation": ("assignee", "assignee", "assignee", "any", "assignee"),
    "access_request": ("assignee", "assignee", "requester", "requester", None),
}
COLUMNS = (
    (Status.OPEN, Status.IN_PROGRESS),
    (Status.IN_PROGRESS, Status.RESOLVED),
    (Status.RESOLVED, Status.CLOSED),
    (Status.RESOLVED, Status.IN_PROGRESS),
    (Status.IN_PROGRESS, Status.OPEN),
)


def test_the_default_workflows() -> None:
    shipped = {
        name: {(each.source, each.target): str(each.role) for each in workflow.transitions}
        for name, workflow in DEFAULTS.items()
    }
    assert set(shipped) == set(DefaultWorkflow)
    assert shipped == {
        name: {pair: role for pair, role in zip(COLUMNS, roles, strict=True) if role}
        for name, roles in DEFAULT_TABLE.items()
    }
