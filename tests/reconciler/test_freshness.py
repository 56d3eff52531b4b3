"""A plan is fresh until something that it changes, or that refers to it, is not as it was."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings

from engine.resources.resource import Key, Kind, LastChange, LiveResources, Resource
from engine.vocabulary import Status
from reconciler.freshness import impact_increased, stale_resources
from reconciler.impact import Affected, Impact
from reconciler.plan import Plan
from reconciler.references import references_of
from tests.support.generated_plans import PLANS
from tests.support.plans import INCIDENT, planned
from tests.support.resources import (
    auto_close,
    calendar,
    category,
    item,
    retired,
    snapshot,
    workflow,
)

BOB = LastChange(datetime(2026, 2, 1, 9, 30, tzinfo=UTC), "u_bob", "git:beef")
INCIDENTS = workflow("incident_response", INCIDENT)
VPN = workflow("vpn_request", INCIDENT)
ACCESS = category("access", "Access")
LIVE = snapshot(INCIDENTS, VPN, ACCESS, auto_close("72h"))
PLAN = planned(
    LIVE,
    snapshot(
        workflow("incident_response", INCIDENT, "Incident"),
        item("badge", "incident_response", "access"),
        ACCESS,
        auto_close("72h"),
    ),
)


def live_with(*resources: Resource, without: Key | None = None) -> LiveResources:
    """Return what was live when `PLAN` was made, and what Bob did to it since."""
    resources_now = {key: each for key, each in LIVE.items() if key != without}
    touched = {each.key: BOB for each in resources}
    return LiveResources(resources_now | snapshot(*resources), touched)


OTHER = workflow("incident_response", INCIDENT, "Trouble")
GONE = retired(VPN)
BY_BOB = "(by u_bob at 2026-02-01T09:30:00+00:00 from git:beef)"
SINCE: dict[str, tuple[LiveResources, str, str, str]] = {
    "another declaration": (
        live_with(OTHER),
        "workflow incident_response",
        f"declared as {INCIDENTS.digest[:12]}",
        f"declared as {OTHER.digest[:12]} {BY_BOB}",
    ),
    "a workflow retired by somebody else": (
        live_with(GONE),
        "workflow vpn_request",
        f"declared as {VPN.digest[:12]}",
        f"retired as {GONE.digest[:12]} {BY_BOB}",
    ),
    "a workflow that is not there": (
        live_with(without=VPN.key),
        "workflow vpn_request",
        f"declared as {VPN.digest[:12]}",
        "not there",
    ),
    "what a new item refers to": (
        live_with(retired(ACCESS)),
        "item badge",
        "category access in force",
        f"not in force {BY_BOB}",
    ),
    "an item of the workflow that goes": (
        live_with(item("vpn", "vpn_request", "access")),
        "item vpn",
        "workflow vpn_request in force",
        f"not in force {BY_BOB}",
    ),
}


@pytest.mark.parametrize(("live", "key", "before", "now"), SINCE.values(), ids=SINCE)
def test_a_plan_is_stale_after(live: LiveResources, key: str, before: str, now: str) -> None:
    (stale,) = stale_resources(PLAN, live)
    assert str(stale) == f"{key}: planned: {before}; now: {now}."


UNRELATED: dict[str, LiveResources] = {
    "nothing": live_with(),
    "another setting": live_with(auto_close("24h")),
    "another workflow": live_with(workflow("leave_request", INCIDENT)),
    "another item of what stays": live_with(item("outage", "incident_response", "access")),
}


@pytest.mark.parametrize("live", UNRELATED.values(), ids=UNRELATED)
def test_a_plan_is_as_fresh_as_ever_after(live: LiveResources) -> None:
    assert [*stale_resources(PLAN, live)] == []


RETIRING = next(each for each in PLAN.changes if each.change.key == VPN.key)


def affecting(impact: Impact) -> Plan:
    """Return a plan of one change that means this."""
    return replace(PLAN, changes=(replace(RETIRING, impact=impact),))


def some(tickets: int) -> Affected:
    return Affected({Status.OPEN: tickets})


HARM: dict[str, tuple[Impact, Impact, list[str]]] = {
    "as many stranded": (Impact(stranded=some(12)), Impact(stranded=some(12)), []),
    "fewer stranded": (Impact(stranded=some(12)), Impact(), []),
    "more stranded": (
        Impact(stranded=some(12)),
        Impact(stranded=some(1_300)),
        ["planned: 12 live tickets stranded; now: 1,300 live tickets stranded."],
    ),
    "some stuck": (
        Impact(),
        Impact(stuck=some(1)),
        ["planned: 0 live tickets stuck; now: 1 live ticket stuck."],
    ),
    "more that gain or lose": (Impact(), Impact(gaining=some(1), losing=some(3)), []),
}


@pytest.mark.parametrize(("before", "now", "stale"), HARM.values(), ids=HARM)
def test_only_more_harm_makes_a_plan_stale(before: Impact, now: Impact, stale: list[str]) -> None:
    found = impact_increased(affecting(before), affecting(now).changes)
    assert [*map(str, found)] == [f"workflow vpn_request: {each}" for each in stale]


@given(PLANS)
@settings(deadline=None)
def test_a_plan_is_fresh_when_it_was_just_made(plan: Plan) -> None:
    changes = [planned.change for planned in plan.changes]
    live = {change.key: change.before for change in changes if change.before is not None}
    named = {key: each for key, each in referred_by(plan).items() if key not in live}
    assert [*stale_resources(plan, LiveResources(live | named, {}))] == []
    assert [*impact_increased(plan, plan.changes)] == []


def referred_by(plan: Plan) -> dict[Key, Resource]:
    """Return what the items of a plan refer to and the plan doesn't change, as it must be live."""
    make: dict[Kind, Callable[[str], Resource]] = {
        Kind.CATEGORY: lambda name: category(name, name),
        Kind.WORKFLOW: lambda name: workflow(name, {}),
        Kind.CALENDAR: lambda name: calendar(name, "09:00-17:00"),
    }
    changed = {planned.change.key for planned in plan.changes}
    return {
        key: make[key.kind](key.name)
        for planned in plan.changes
        for key in references_of(planned.change.after)
        if key not in changed
    }
