"""Reverting a plan brings back what it changed, and refuses if that would undo more."""

import pytest
from hypothesis import given, settings

from engine.errors import StalePlan
from engine.resources.resource import Snapshot
from reconciler.diff import applied, diff
from reconciler.plan import Plan
from reconciler.revert import reverted
from tests.support.generated_plans import in_force, live_snapshots, snapshots
from tests.support.plans import INCIDENT, planned
from tests.support.resources import auto_close, category, item, retired, snapshot, workflow


@given(live_snapshots(), snapshots())
@settings(deadline=None)
def test_what_a_plan_changed_is_brought_back(live: Snapshot, desired: Snapshot) -> None:
    plan = planned(live, desired)
    now = applied(live, tuple(each.change for each in plan.changes))
    back = applied(now, diff(now, reverted(now, plan)))
    assert in_force(back) == in_force(live)
    assert back.keys() == now.keys()


FLOW = workflow("vpn_request", INCIDENT)
WIDER = workflow("vpn_request", dict.fromkeys(INCIDENT, "any"))
LIVE = snapshot(FLOW, auto_close("72h"))
WIDENED = planned(LIVE, snapshot(WIDER, auto_close("72h")))
CREATED = planned(snapshot(), snapshot(FLOW))


def test_what_the_plan_did_not_change_stays_as_it_is_by_now() -> None:
    now = snapshot(WIDER, auto_close("24h"), category("access", "Access"))
    assert reverted(now, WIDENED) == snapshot(FLOW, auto_close("24h"), category("access", "Access"))


def test_what_was_retired_meanwhile_is_not_declared_again() -> None:
    assert reverted(snapshot(WIDER, retired(auto_close("72h"))), WIDENED) == snapshot(FLOW)


REFUSED: dict[str, tuple[Snapshot, Plan, str]] = {
    "it was changed again": (
        snapshot(workflow("vpn_request", INCIDENT, "VPN")),
        WIDENED,
        "workflow vpn_request is not what the plan made of it any more.",
    ),
    "it was reverted already": (
        LIVE,
        WIDENED,
        "workflow vpn_request is not what the plan made of it any more.",
    ),
    "it is used by now": (
        snapshot(FLOW, category("access", "Access"), item("vpn", "vpn_request", "access")),
        CREATED,
        "item vpn needs workflow vpn_request, which would not be in force.",
    ),
}


@pytest.mark.parametrize(("now", "plan", "why"), REFUSED.values(), ids=REFUSED)
def test_a_plan_is_not_reverted_if(now: Snapshot, plan: Plan, why: str) -> None:
    with pytest.raises(StalePlan, match=f"^{why}$"):
        reverted(now, plan)
