"""The view models of bulk transitions."""

from dataclasses import dataclass
from typing import Final

import pytest

from api.web.views.bulk.view import BulkPage, Verdict, build_rows, outcome_path
from engine.declaration.defaults import default_workflows
from engine.tickets.actor import Actor
from engine.vocabulary import Status
from engine.workflows.compiler import CompiledWorkflow, compile_workflow
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER
from tests.support.ticket_examples import a_ticket

WORKFLOWS: Final = {each.name: compile_workflow(each) for each in default_workflows()}
RETIRED: Final = CompiledWorkflow("old", "Old", WORKFLOWS["incident_response"].policy, retired=True)


@dataclass(frozen=True)
class Case:
    workflow: str
    status: Status
    to: Status
    actor: Actor
    verdict: Verdict


CASES: Final = {
    "allowed": Case(
        "incident_response", Status.IN_PROGRESS, Status.RESOLVED, MARTON, Verdict.MOVES
    ),
    "of the assignee": Case(
        "incident_response", Status.IN_PROGRESS, Status.RESOLVED, ADA, Verdict.NEEDS_ASSIGNEE
    ),
    "of the requester": Case(
        "incident_response", Status.RESOLVED, Status.CLOSED, MARTON, Verdict.NEEDS_REQUESTER
    ),
    "of anyone involved": Case(
        "service_request", Status.RESOLVED, Status.CLOSED, OUTSIDER, Verdict.NEEDS_OTHER
    ),
    "not declared": Case(
        "incident_response", Status.OPEN, Status.RESOLVED, MARTON, Verdict.NO_TRANSITION
    ),
    "already there": Case(
        "incident_response", Status.RESOLVED, Status.RESOLVED, MARTON, Verdict.ALREADY_THERE
    ),
    "closed": Case("incident_response", Status.CLOSED, Status.OPEN, MARTON, Verdict.CLOSED),
    "closed already": Case("incident_response", Status.CLOSED, Status.CLOSED, ANNA, Verdict.CLOSED),
    "retired": Case("old", Status.IN_PROGRESS, Status.RESOLVED, MARTON, Verdict.RETIRED),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_ticket_has_a_verdict_and_a_reason(case: Case) -> None:
    ticket = a_ticket(
        status=case.status, workflow=case.workflow, requester=ANNA.id, assignee=MARTON.id
    )
    workflows = WORKFLOWS | {"old": RETIRED}
    [row] = build_rows({ticket.id: ticket}, workflows, case.actor, case.to)
    assert row.verdict is case.verdict
    assert bool(row.why) is not row.moves


def test_the_summary_counts_each_verdict() -> None:
    statuses = [Status.IN_PROGRESS, Status.IN_PROGRESS, Status.CLOSED, Status.RESOLVED]
    tickets = {
        f"tk_00000{number}": a_ticket(id=f"tk_00000{number}", status=status, assignee=MARTON.id)
        for number, status in enumerate(statuses)
    }
    to = Status.RESOLVED
    rows = build_rows({**tickets, "tk_ffffff": None}, WORKFLOWS, MARTON, to)
    assert BulkPage(to, rows).summary == (
        "2 will move, 1 is already Resolved, 1 is closed, 1 can't be found"
    )
    rows = build_rows(tickets, WORKFLOWS, OUTSIDER, to)
    assert BulkPage(to, rows).summary == "2 need the assignee, 1 is already Resolved, 1 is closed"


def test_the_outcome_is_per_ticket() -> None:
    moved = a_ticket(id="tk_000001", status=Status.RESOLVED, assignee=MARTON.id)
    refused = a_ticket(id="tk_000002", status=Status.IN_PROGRESS, assignee=ADA.id)
    tickets = {each.id: each for each in (refused, moved)}
    rows = build_rows(tickets, WORKFLOWS, MARTON, Status.RESOLVED, frozenset({moved.id}))
    page = BulkPage(Status.RESOLVED, rows, is_outcome=True)
    assert page.summary == "1 moved, 1 not moved"
    assert [each.outcome for each in page.done] == ["Moved."]
    assert [each.id for each in page.refused] == [refused.id]
    assert "Only the assignee can move" in page.refused[0].outcome


def test_an_outcome_that_is_possible_now_can_be_tried_again() -> None:
    ticket = a_ticket(status=Status.IN_PROGRESS, assignee=MARTON.id)
    [row] = build_rows({ticket.id: ticket}, WORKFLOWS, MARTON, Status.RESOLVED)
    assert row.outcome == "Not moved. Nothing prevents it now: you can try again."


def test_the_outcome_is_in_the_url() -> None:
    path = outcome_path(["tk_1"], ["tk_2", "tk_3"], Status.CLOSED)
    assert path == "/tickets/bulk/outcome?to=CLOSED&done=tk_1&refused=tk_2&refused=tk_3"
