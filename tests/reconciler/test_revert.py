"""Reverting a plan undoes its changes, and is refused if it would undo more."""

import pytest
from hypothesis import given, settings

from engine.errors import StalePlan
from engine.resources.resource import Snapshot
from reconciler.diff import apply_changes, diff
from reconciler.plan import Plan
from reconciler.revert import reverted_resources
from tests.support.generated_plans import LIVE_SNAPSHOTS, SNAPSHOTS, active
from tests.support.plans import INCIDENT, plan_between
from tests.support.resources import auto_close, category, item, retired, snapshot, workflow


@given(LIVE_SNAPSHOTS, SNAPSHOTS)
@settings(deadline=None)
def test_reverting_a_plan_restores_the_active_resources(live: Snapshot, desired: Snapshot) -> None:
    plan = plan_between(live, desired)
    now = apply_changes(live, plan.changes)
    back = apply_changes(now, diff(now, reverted_resources(now, plan)))
    assert active(back) == active(live)
    assert back.keys() == now.keys()


FLOW = workflow("vpn_request", INCIDENT)
WIDER = workflow("vpn_request", dict.fromkeys(INCIDENT, "any"))
LIVE = snapshot(FLOW, auto_close("72h"))
WIDENED = plan_between(LIVE, snapshot(WIDER, auto_close("72h")))
CREATED = plan_between(snapshot(), snapshot(FLOW))


def test_resources_that_the_plan_did_not_change_stay_as_they_are() -> None:
    now = snapshot(WIDER, auto_close("24h"), category("access", "Access"))
    expected = snapshot(FLOW, auto_close("24h"), category("access", "Access"))
    assert reverted_resources(now, WIDENED) == expected


def test_resources_that_were_retired_since_are_not_declared_again() -> None:
    now = snapshot(WIDER, retired(auto_close("72h")))
    assert reverted_resources(now, WIDENED) == snapshot(FLOW)


REFUSED: dict[str, tuple[Snapshot, Plan, str]] = {
    "a resource changed again": (
        snapshot(workflow("vpn_request", INCIDENT, "VPN")),
        WIDENED,
        "workflow vpn_request changed after the plan was applied.",
    ),
    "it was reverted before": (
        LIVE,
        WIDENED,
        "workflow vpn_request changed after the plan was applied.",
    ),
    "an item uses a workflow that would be retired": (
        snapshot(FLOW, category("access", "Access"), item("vpn", "vpn_request", "access")),
        CREATED,
        "item vpn refers to workflow vpn_request, which would not be active.",
    ),
}


@pytest.mark.parametrize(("now", "plan", "reason"), REFUSED.values(), ids=REFUSED)
def test_a_plan_is_not_reverted_if(now: Snapshot, plan: Plan, reason: str) -> None:
    with pytest.raises(StalePlan, match=f"^{reason}$"):
        reverted_resources(now, plan)
