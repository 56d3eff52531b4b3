"""A plan is fresh until a resource that it changes, or a reference to one, changes."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given

from engine.resources.live_resources import LastChange, LiveResources
from engine.resources.resource import Key, Kind, Resource
from engine.vocabulary import Status
from reconciler.freshness import impact_increased, stale_resources
from reconciler.impact import AffectedTickets, Impact
from reconciler.plan import Plan
from reconciler.references import references_of
from tests.support.generated_plans import PLANS, some_plans
from tests.support.plans import INCIDENT, plan_between
from tests.support.resources import (
    auto_close,
    calendar,
    category,
    item,
    retired,
    snapshot,
    workflow,
)

BOB = LastChange(datetime(2026, 2, 1, 9, 30, tzinfo=UTC), "u_bob", "git:beef", 2)
INCIDENTS = workflow("incident_response", INCIDENT)
VPN = workflow("vpn_request", INCIDENT)
ACCESS = category("access", "Access")
LIVE = snapshot(INCIDENTS, VPN, ACCESS, auto_close("72h"))
PLAN = plan_between(
    LIVE,
    snapshot(
        workflow("incident_response", INCIDENT, "Incident"),
        item("badge", "incident_response", "access"),
        ACCESS,
        auto_close("72h"),
    ),
)


def live_with(*resources: Resource, without: Key | None = None) -> LiveResources:
    """Return the live resources of `PLAN` with those that Bob has changed since then."""
    now = {key: each for key, each in LIVE.items() if key != without}
    return LiveResources(now | snapshot(*resources), {each.key: BOB for each in resources})


OTHER = workflow("incident_response", INCIDENT, "Trouble")
GONE = retired(VPN)
BY_BOB = "(by u_bob at 2026-02-01T09:30:00+00:00 from git:beef)"
STALE_AFTER: dict[str, tuple[LiveResources, str, str, str]] = {
    "another declaration": (
        live_with(OTHER),
        "workflow incident_response",
        f"declared as {INCIDENTS.digest[:12]}",
        f"declared as {OTHER.digest[:12]} {BY_BOB}",
    ),
    "a workflow that another user retired": (
        live_with(GONE),
        "workflow vpn_request",
        f"declared as {VPN.digest[:12]}",
        f"retired as {GONE.digest[:12]} {BY_BOB}",
    ),
    "a workflow that does not exist": (
        live_with(without=VPN.key),
        "workflow vpn_request",
        f"declared as {VPN.digest[:12]}",
        "never declared",
    ),
    "a category that a new item refers to is retired": (
        live_with(retired(ACCESS)),
        "item badge",
        "category access active",
        f"not active {BY_BOB}",
    ),
    "a new item of a workflow that the plan retires": (
        live_with(item("vpn", "vpn_request", "access")),
        "item vpn",
        "workflow vpn_request active",
        f"not active {BY_BOB}",
    ),
}


@pytest.mark.parametrize(("live", "key", "before", "now"), STALE_AFTER.values(), ids=STALE_AFTER)
def test_a_plan_is_stale_after(live: LiveResources, key: str, before: str, now: str) -> None:
    (stale,) = stale_resources(PLAN, live)
    assert str(stale) == f"{key}: planned: {before}; now: {now}."


FRESH_AFTER: dict[str, LiveResources] = {
    "nothing": live_with(),
    "another setting": live_with(auto_close("24h")),
    "another workflow": live_with(workflow("leave_request", INCIDENT)),
    "another item of a workflow that stays": live_with(
        item("outage", "incident_response", "access")
    ),
}


@pytest.mark.parametrize("live", FRESH_AFTER.values(), ids=FRESH_AFTER)
def test_a_plan_stays_fresh_after(live: LiveResources) -> None:
    assert [*stale_resources(PLAN, live)] == []


RETIRING = next(each for each in PLAN.changes if each.key == VPN.key)


def plan_with(impact: Impact) -> Plan:
    """Return a plan of one change with this impact."""
    return replace(PLAN, changes=(replace(RETIRING, impact=impact),))


def some(tickets: int) -> AffectedTickets:
    return AffectedTickets({Status.OPEN: tickets})


IMPACTS: dict[str, tuple[Impact, Impact, list[str]]] = {
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
    "more that gain or lose a transition": (Impact(), Impact(gaining=some(1), losing=some(3)), []),
}


@pytest.mark.parametrize(("before", "now", "stale"), IMPACTS.values(), ids=IMPACTS)
def test_only_more_harm_makes_a_plan_stale(before: Impact, now: Impact, stale: list[str]) -> None:
    found = impact_increased(plan_with(before), plan_with(now))
    assert [*map(str, found)] == [f"workflow vpn_request: {each}" for each in stale]


@given(PLANS)
@some_plans
def test_a_new_plan_is_fresh(plan: Plan) -> None:
    live = {change.key: change.before for change in plan.changes if change.before is not None}
    referenced = {key: each for key, each in unchanged_references(plan).items() if key not in live}
    assert [*stale_resources(plan, LiveResources(live | referenced, {}))] == []
    assert [*impact_increased(plan, plan)] == []


def unchanged_references(plan: Plan) -> dict[Key, Resource]:
    """Return the resources that a plan refers to and does not change, so that they must be live."""
    make: dict[Kind, Callable[[str], Resource]] = {
        Kind.CATEGORY: lambda name: category(name, name),
        Kind.WORKFLOW: lambda name: workflow(name, {}),
        Kind.CALENDAR: lambda name: calendar(name, "09:00-17:00"),
    }
    changed = {change.key for change in plan.changes}
    return {
        key: make[key.kind](key.name)
        for change in plan.changes
        for key in references_of(change.after)
        if key not in changed
    }
