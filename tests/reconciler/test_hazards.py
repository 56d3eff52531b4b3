"""The hazards of plans, and the flags that acknowledge them."""

from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given

from engine.errors import RefusedByGuard
from engine.resources.resource import Resource, default_resources
from reconciler.allowances import Allowances
from reconciler.hazards import HazardCode, check_guards, hazards
from reconciler.plan import Plan
from tests.support.generated_plans import PLANS, some_plans
from tests.support.plans import (
    EVERYTHING,
    INCIDENT,
    every_hazard,
    made_public,
    nothing_declared,
    plan_between,
    switched_on,
)
from tests.support.resources import (
    auto_close,
    calendar,
    category,
    item,
    on_behalf,
    retired,
    service,
    snapshot,
    switch,
    visibility,
    webhook,
    workflow,
)


def test_every_hazard_has_its_remedy() -> None:
    plans = (switched_on(), nothing_declared(), made_public(), every_hazard())
    found = {hazard.code: hazard for plan in plans for hazard in hazards(plan)}
    assert {code: (hazard.tickets, hazard.remedy) for code, hazard in found.items()} == {
        HazardCode.STRANDS_TICKETS: (12, "--max-stranded 15"),
        HazardCode.BLOCKS_TICKETS: (3, "--max-stranded 15"),
        HazardCode.CLOSES_TICKETS: (38, "--max-closed 38"),
        HazardCode.SWITCHES_TICKETING_OFF: (15, "--allow-switch-off"),
        HazardCode.ABANDONS_OUTAGES: (1, "--max-abandoned 1"),
        HazardCode.OPENS_TICKETS: (4, "--max-opened 4"),
        HazardCode.BREACHES_TARGETS: (2, "--max-breached 2"),
        HazardCode.WIDENS_RIGHTS: (40, "--allow-widening"),
        HazardCode.PUBLISHES_GROUP: (0, "--allow-publishing"),
        HazardCode.DECLARES_NOTHING: (0, "--allow-empty"),
        HazardCode.RETIRES_MANY: (0, "--allow-many-retired"),
    }
    assert set(found) == set(HazardCode)


@given(PLANS)
@some_plans
def test_a_plan_passes_with_the_remedies_of_its_refusal(plan: Plan) -> None:
    check_guards(plan, EVERYTHING)
    if hazards(plan):
        with pytest.raises(RefusedByGuard) as refused:
            check_guards(plan, Allowances())
        assert all(each.remedy in refused.value.message for each in hazards(plan))


def test_a_refusal_lists_the_hazards_with_their_flags() -> None:
    with pytest.raises(RefusedByGuard) as refused:
        check_guards(every_hazard(), replace(EVERYTHING, widening=False, closed=37))
    assert refused.value.message.splitlines() == [
        "The plan has hazards that were not acknowledged.",
        (
            "--max-closed 38: Within an hour after the change of setting autoClose, system closes"
            " 38 tickets for good."
        ),
        (
            "--allow-widening: Under workflow incident_response,"
            " more users can make these transitions: RESOLVED -> CLOSED."
        ),
        (
            "--allow-widening: All signed-in users can read every ticket,"
            " among them 40 live tickets."
        ),
        "To apply it, add: --max-closed 38 --allow-widening",
    ]


def everything_but(name: str, value: object) -> Allowances:
    changed: dict[str, Any] = {name: value}
    return replace(EVERYTHING, **changed)


BOUNDS = {"stranded": 15, "closed": 38, "opened": 4, "breached": 2, "abandoned": 1}


@pytest.mark.parametrize(("name", "tickets"), BOUNDS.items())
def test_one_ticket_more_than_allowed_is_refused(name: str, tickets: int) -> None:
    plan = switched_on() if name in {"opened", "breached"} else every_hazard()
    check_guards(plan, everything_but(name, tickets))
    with pytest.raises(RefusedByGuard, match=f"--max-{name} {tickets}: "):
        check_guards(plan, everything_but(name, tickets - 1))


def test_every_allowance_is_necessary() -> None:
    for each in fields(Allowances):
        nothing = everything_but(each.name, each.default)
        refused = 0
        for plan in (switched_on(), nothing_declared(), made_public(), every_hazard()):
            try:
                check_guards(plan, nothing)
            except RefusedByGuard:
                refused += 1
        assert refused, each.name


def test_a_new_workflow_widens_no_rights() -> None:
    assert hazards(plan_between({}, snapshot(workflow("w", INCIDENT)))) == ()


VISIBILITY_CHANGES = {
    "from involved to everyone": (visibility("involved"), visibility("everyone"), True),
    "from everyone to involved": (visibility("everyone"), visibility("involved"), False),
    "still involved": (visibility("involved"), visibility("involved"), False),
    "from the default to everyone": (None, visibility("everyone"), False),
    "from the default to involved": (None, visibility("involved"), False),
    "from retired to everyone": (retired(visibility("involved")), visibility("everyone"), False),
    "from involved to the default": (visibility("involved"), None, True),
}


@pytest.mark.parametrize(
    ("before", "after", "widens"), VISIBILITY_CHANGES.values(), ids=VISIBILITY_CHANGES
)
def test_making_all_tickets_readable_widens_rights(
    before: Resource | None, after: Resource | None, *, widens: bool
) -> None:
    other = category("access", "Access")
    live, desired = snapshot(other), snapshot(other)
    live |= snapshot(*filter(None, [before]))
    desired |= snapshot(*filter(None, [after]))
    plan = plan_between(live, desired)
    assert [each.code for each in hazards(plan)] == [HazardCode.WIDENS_RIGHTS] * widens


LIVE = {
    "workflow": workflow("w", INCIDENT),
    "category": category("access", "Access"),
    "calendar": calendar("office", "09:00-17:00"),
    "item": item("vpn", "w", "access"),
    "service": service("acme/vpn", "network-team"),
    "webhook": webhook("chat", "https://hooks.example.com/x"),
}


@pytest.mark.parametrize("kind", LIVE)
def test_a_third_of_the_resources_of_any_kind_is_many(kind: str) -> None:
    live = snapshot(*LIVE.values(), *more_of(LIVE[kind], 2))
    without = {key: each for key, each in live.items() if key != LIVE[kind].key}
    [hazard] = hazards(plan_between(live, without))
    assert (hazard.code, hazard.key) == (HazardCode.RETIRES_MANY, None)
    assert "retires 1 of 3 active " in hazard.message
    enough = live | snapshot(*more_of(LIVE[kind], 3))
    assert hazards(plan_between(enough, enough | {LIVE[kind].key: retired(LIVE[kind])})) == ()


def more_of(resource: Resource, count: int) -> list[Resource]:
    """Return resources of the same kind with other names."""
    keys = [resource.key._replace(name=f"{resource.key.name}{number}") for number in range(count)]
    return [Resource(key, resource.declaration) for key in keys]


NOTHING_DECLARED: dict[str, tuple[list[Resource], bool]] = {
    "a service was active": ([service("acme/vpn", "network-team")], True),
    "a default workflow was replaced": ([workflow("incident_response", INCIDENT)], True),
    "a setting was declared": ([auto_close("24h")], True),
    "ticketing was off": ([switch(enabled=False)], True),
    "a service was retired before": ([retired(service("acme/vpn", "network-team"))], False),
    "only the defaults were active": ([*default_resources().values()], False),
    "nothing was active": ([], False),
}


@pytest.mark.parametrize(
    ("live", "is_hazard"), NOTHING_DECLARED.values(), ids=NOTHING_DECLARED.keys()
)
def test_an_empty_declaration_is_a_hazard_if_something_is_active(
    live: list[Resource], *, is_hazard: bool
) -> None:
    plan = plan_between(snapshot(*live), default_resources())
    codes = {hazard.code for hazard in hazards(plan)}
    assert (HazardCode.DECLARES_NOTHING in codes) == is_hazard


def test_a_declaration_with_a_setting_is_not_empty() -> None:
    live = snapshot(*default_resources().values(), service("acme/vpn", "network-team"))
    desired = snapshot(*default_resources().values(), auto_close("24h"))
    assert [each.code for each in hazards(plan_between(live, desired))] == ["retires_many"]


ON_BEHALF_CHANGES: dict[str, tuple[Resource | None, Resource | None, str]] = {
    "a group more": (on_behalf("a"), on_behalf("b", "a"), "1 more group can"),
    "six groups more": (
        on_behalf(),
        on_behalf(*"fedcba"),
        "6 more groups can open tickets for other users: a, b, c, d, e, ….",
    ),
    "another group": (on_behalf("a"), on_behalf("b"), "users: b."),
    "a group again": (retired(on_behalf("a")), on_behalf("a"), "users: a."),
    "a group less": (on_behalf("a", "b"), on_behalf("b"), ""),
    "the first declaration": (None, on_behalf("a"), ""),
    "no longer declared": (on_behalf("a"), None, ""),
}


@pytest.mark.parametrize(
    ("before", "after", "message"), ON_BEHALF_CHANGES.values(), ids=ON_BEHALF_CHANGES
)
def test_more_groups_that_open_tickets_for_others_widen_rights(
    before: Resource | None, after: Resource | None, message: str
) -> None:
    other = snapshot(category("access", "Access"))
    live, desired = (other | snapshot(*filter(None, [each])) for each in (before, after))
    found = hazards(plan_between(live, desired))
    assert [each.code for each in found] == [HazardCode.WIDENS_RIGHTS] * bool(message)
    assert all(message in each.message for each in found)
