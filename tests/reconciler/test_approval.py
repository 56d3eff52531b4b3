"""An approval is that of exactly one plan: of its changes, its hazards and the state before."""

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given

from engine.errors import RefusedByGuard
from engine.vocabulary import Status
from reconciler.allowances import NO_ALLOWANCES
from reconciler.document.serialize import document_of
from reconciler.hazards import check_guards, hazards, is_approved, plan_approval, unacknowledged
from reconciler.impact import LiveTickets
from reconciler.plan import Plan
from tests.support.generated_plans import PLANS, some_plans
from tests.support.plans import EXAMPLES, INCIDENT, plan_between
from tests.support.resources import groups, snapshot, workflow

NARROW = {**INCIDENT, ("RESOLVED", "CLOSED"): "assignee"}
LIVE, DESIRED = (snapshot(workflow("vpn", each)) for each in (NARROW, INCIDENT))


def plan(tickets: int = 1, source: str = "git:1", base: str = "r7-4f8e29c0d1a2") -> Plan:
    """Return a plan that widens rights and affects so many tickets."""
    place = ("vpn", Status.RESOLVED)
    counts = LiveTickets({place: tickets}, {place: ["tk_4f8e29"]})
    return plan_between(LIVE, DESIRED, counts, source=source, base=base)


@given(PLANS)
@some_plans
def test_an_approval_allows_all_hazards_of_its_plan(made: Plan) -> None:
    approval = plan_approval(made)
    assert re.fullmatch("sha256:[0-9a-f]{64}", approval)
    assert document_of(made)["approval"] == approval
    approved = replace(made, approved=approval)
    assert is_approved(approved)
    assert not is_approved(made)
    check_guards(approved, NO_ALLOWANCES)
    assert bool(unacknowledged(made, NO_ALLOWANCES)) == bool(hazards(made))


def test_it_does_not_depend_on_when_and_by_whom_a_plan_is_made_nor_on_numbers_of_tickets() -> None:
    made = plan()
    later = replace(plan(tickets=99, source="git:other"), files=("other.yaml",))
    later = replace(later, created_at=made.created_at + timedelta(days=1))
    assert plan_approval(later) == plan_approval(made)


def test_it_depends_on_the_state_before_the_changes_and_the_hazards() -> None:
    differing = [
        plan(),
        plan(base="r8-4f8e29c0d1a2"),
        plan_between(DESIRED, LIVE),
        plan_between(LIVE, DESIRED | snapshot(groups("a"))),
        plan_between(LIVE, DESIRED | snapshot(groups("b"))),
        *(make() for make in EXAMPLES.values()),
    ]
    approvals = [plan_approval(each) for each in differing]
    assert len(set(approvals)) == len(approvals)


def test_another_approval_is_named() -> None:
    other = plan_approval(plan(base="r8-4f8e29c0d1a2"))
    with pytest.raises(RefusedByGuard, match=f"approvedPlan is {other}, which is not the approval"):
        check_guards(replace(plan(), approved=other), NO_ALLOWANCES)
