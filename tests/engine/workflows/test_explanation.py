"""An explanation has the reason, the message and the way to the target."""

import pytest

from engine.declaration.defaults import default_workflows
from engine.vocabulary import STATUSES, ActorRoles, Status
from engine.workflows.compiler import CompiledWorkflow, compile_workflow
from engine.workflows.explanation import Reason, explain

DEFAULTS = {workflow.name: workflow for workflow in default_workflows()}

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


START = (Status.OPEN, Status.IN_PROGRESS)
RESOLVE = (Status.IN_PROGRESS, Status.RESOLVED)
REOPEN = (Status.RESOLVED, Status.IN_PROGRESS)
ONLY_THE_ASSIGNEE = "Only the assignee can move this ticket from IN_PROGRESS to RESOLVED"
ANY_ROLE = (
    "Only the assignee, the requester or an admin can move this ticket from RESOLVED to IN_PROGRESS"
)
MESSAGES = {
    "the actor has the role": (
        (*START, 1),
        "As the assignee, you can move this ticket from OPEN to IN_PROGRESS.",
    ),
    "the actor has several roles, of which one can": (
        (*START, 7),
        "As the assignee, you can move this ticket from OPEN to IN_PROGRESS.",
    ),
    "the actor has several roles that can": (
        (*REOPEN, 6),
        "As the requester and an admin, you can move this ticket from RESOLVED to IN_PROGRESS.",
    ),
    "the actor has another role": ((*RESOLVE, 2), f"{ONLY_THE_ASSIGNEE}; you are the requester."),
    "the actor has two other roles": (
        (*RESOLVE, 6),
        f"{ONLY_THE_ASSIGNEE}; you are the requester and an admin.",
    ),
    "the actor has no roles": ((*RESOLVE, 0), f"{ONLY_THE_ASSIGNEE}; you are not the assignee."),
    "the actor has none of several roles": ((*REOPEN, 0), f"{ANY_ROLE}; you are none of these."),
    "not declared": (
        (Status.OPEN, Status.CLOSED, 1),
        "The workflow incident_response has no transition from OPEN to CLOSED.",
    ),
    "the ticket is CLOSED": (
        (Status.CLOSED, Status.OPEN, 1),
        "A CLOSED ticket accepts comments, but no other changes.",
    ),
}


@pytest.mark.parametrize(("question", "message"), MESSAGES.values(), ids=MESSAGES)
def test_the_message_addresses_the_actor(
    question: tuple[Status, Status, int], message: str
) -> None:
    source, target, bits = question
    workflow = compile_workflow(DEFAULTS["incident_response"])
    assert explain(workflow, source, target, ActorRoles(bits)).message == message


@pytest.mark.parametrize(("question", "message"), MESSAGES.values(), ids=MESSAGES)
def test_the_general_message_names_no_ticket_and_no_reader(
    question: tuple[Status, Status, int], message: str
) -> None:
    source, target, bits = question
    workflow = compile_workflow(DEFAULTS["incident_response"])
    for old, new in (("this", "a"), ("you are", "the actor is"), ("you", "the actor")):
        message = message.replace(old, new)
    assert explain(workflow, source, target, ActorRoles(bits)).general_message == message
