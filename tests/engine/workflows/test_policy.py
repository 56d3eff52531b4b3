"""A policy allows exactly the declared transitions, for all statuses and roles."""

from itertools import product

import pytest
from hypothesis import given

from engine.declaration.defaults import default_workflows
from engine.declaration.models import DefaultWorkflow
from engine.vocabulary import ROLE_BITS, ROLE_COMBINATIONS, STATUSES, ActorRoles, Role, Status
from engine.workflows.compiler import CompiledWorkflow, compile_workflow
from engine.workflows.explanation import Reason, explain
from engine.workflows.policy import (
    POLICY_BITS,
    SHIFTS,
    Policy,
    allowed_targets,
    permits,
    policy_of,
    transitions_of,
)
from tests.support.policies import MOVES, Moves, as_declared

DEFAULTS = {workflow.name: workflow for workflow in default_workflows()}


def compiled(moves: Moves) -> Policy:
    return policy_of((source, target, role) for (source, target), role in moves.items())


def assert_same_transitions(moves: Moves, policy: Policy) -> None:
    workflow = CompiledWorkflow("w", "W", policy)
    for source, target, actor in product(STATUSES, STATUSES, ROLE_COMBINATIONS):
        expected = as_declared(moves, source, target, actor)
        assert permits(policy, source, target, actor) == expected
        assert (target in allowed_targets(policy, source, actor)) == expected
        is_allowed = expected and source is not Status.CLOSED
        assert explain(workflow, source, target, actor).allowed == is_allowed


@pytest.mark.parametrize("name", DEFAULTS)
def test_a_default_workflow_is_evaluated_as_declared(name: str) -> None:
    declared = DEFAULTS[name]
    moves = {(move.source, move.target): move.role for move in declared.transitions}
    assert_same_transitions(moves, compile_workflow(declared).policy)


@given(MOVES)
def test_any_workflow_is_evaluated_as_declared(moves: Moves) -> None:
    assert_same_transitions(moves, compiled(moves))


@given(MOVES)
def test_the_transitions_of_a_policy_are_the_declared_ones(moves: Moves) -> None:
    result = {(source, target): role for source, target, role in transitions_of(compiled(moves))}
    assert result == moves


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
        name: {(move.source, move.target): str(move.role) for move in workflow.transitions}
        for name, workflow in DEFAULTS.items()
    }
    assert set(shipped) == set(DefaultWorkflow)
    assert shipped == {
        name: {pair: role for pair, role in zip(COLUMNS, roles, strict=True) if role}
        for name, roles in DEFAULT_TABLE.items()
    }


REASONS = {
    "the actor has the role": (Status.OPEN, Status.IN_PROGRESS, 1, Reason.ALLOWED),
    "the actor has another role": (Status.OPEN, Status.IN_PROGRESS, 2, Reason.ROLE_REQUIRED),
    "an admin is not an assignee": (Status.OPEN, Status.IN_PROGRESS, 4, Reason.ROLE_REQUIRED),
    "any includes admins": (Status.RESOLVED, Status.IN_PROGRESS, 4, Reason.ALLOWED),
    "any does not include an actor without roles": (
        Status.RESOLVED,
        Status.IN_PROGRESS,
        0,
        Reason.ROLE_REQUIRED,
    ),
    "not declared": (Status.OPEN, Status.CLOSED, 7, Reason.NO_SUCH_TRANSITION),
    "the ticket is CLOSED": (Status.CLOSED, Status.OPEN, 7, Reason.TICKET_CLOSED),
}


@pytest.mark.parametrize(("source", "target", "bits", "reason"), REASONS.values(), ids=REASONS)
def test_the_reason_of_an_explanation(
    source: Status, target: Status, bits: int, reason: Reason
) -> None:
    workflow = compile_workflow(DEFAULTS["incident_response"])
    assert explain(workflow, source, target, ActorRoles(bits)).reason is reason


def test_a_retired_workflow_allows_no_transitions() -> None:
    policy = compile_workflow(DEFAULTS["incident_response"]).policy
    retired = CompiledWorkflow("gone", "Gone", policy, retired=True)
    answer = explain(retired, Status.OPEN, Status.IN_PROGRESS, ActorRoles(7))
    assert (answer.reason, answer.available_statuses) == (Reason.WORKFLOW_RETIRED, ())


def test_the_shortest_path_includes_both_ends() -> None:
    workflow = compile_workflow(DEFAULTS["incident_response"])
    answer = explain(workflow, Status.OPEN, Status.CLOSED, ActorRoles(0))
    assert answer.shortest_path == STATUSES
    assert explain(workflow, Status.CLOSED, Status.OPEN, ActorRoles(0)).shortest_path == ()
