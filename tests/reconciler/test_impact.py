"""What a change means for live tickets, against a reading of the rules ticket by ticket."""

import pytest
from hypothesis import given

from engine.errors import RefusedByGuard
from engine.resources.resource import Kind, Resource, Snapshot
from engine.vocabulary import ROLE_COMBINATIONS, STATUSES, Status
from engine.workflows.policy import permits
from reconciler.diff import Change, diff
from reconciler.hazards import Allowances, HazardCode, check_guards, harmed_by, hazards
from reconciler.impact import (
    LIVE_STATUSES,
    LiveTickets,
    affected_places,
    impact_of,
    items_broken_by,
)
from reconciler.permissions_diff import last_known_policy, policy_in_force
from reconciler.plan import Plan
from tests.support.generated_plans import PLANS, live_snapshots, snapshots
from tests.support.plans import INCIDENT, every_hazard, planned
from tests.support.resources import item, retired, snapshot, visibility, workflow


def moves_from(policy: int, status: Status) -> set[tuple[Status, int]]:
    """Return every move that somebody can make from a status, with who they are."""
    return {
        (to, actor)
        for to in STATUSES
        for actor in ROLE_COMBINATIONS
        if permits(policy, status, to, actor)
    }


def one_ticket_each(change: Change) -> LiveTickets:
    places = [(change.key.name, status) for status in LIVE_STATUSES]
    return LiveTickets(dict.fromkeys(places, 1), {place: [f"tk_{place[1]}"] for place in places})


@given(live_snapshots(), snapshots())
def test_an_impact_is_what_happens_to_a_ticket_in_each_status(
    live: Snapshot, desired: Snapshot
) -> None:
    for change in diff(live, desired):
        if change.key.kind is not Kind.WORKFLOW:
            assert affected_places(change) == set()
            continue
        impact = impact_of(change, one_ticket_each(change), {})
        before, after = policy_in_force(change.before), policy_in_force(change.after)
        for status in LIVE_STATUSES:
            could, can = moves_from(before, status), moves_from(after, status)
            assert (status in impact.gaining.by_status) == bool(can - could)
            is_retired = change.after.retired
            assert (status in impact.stranded.by_status) == is_retired
            assert (status in impact.losing.by_status) == (bool(could - can) and not is_retired)
            had_a_way = bool(moves_from(last_known_policy(change.before), status))
            assert (status in impact.stuck.by_status) == (had_a_way and not can and not is_retired)


@given(live_snapshots(), snapshots())
def test_only_tickets_in_affected_places_are_counted(live: Snapshot, desired: Snapshot) -> None:
    for change in diff(live, desired):
        impact = impact_of(change, one_ticket_each(change), {})
        ways = (impact.stranded, impact.stuck, impact.gaining, impact.losing)
        counted = {(change.key.name, status) for way in ways for status in way.by_status}
        assert counted == affected_places(change)


def test_items_of_a_retired_workflow_are_named() -> None:
    flow = workflow("vpn", INCIDENT)
    live = snapshot(
        flow, item("b", "vpn", "c"), item("a", "vpn", "c"), retired(item("x", "vpn", "c"))
    )
    change = Change(flow, retired(flow))
    impact = impact_of(change, LiveTickets(), items_broken_by([change], live))
    assert impact.items == ("a", "b")


def test_every_hazard_is_told_with_its_remedy() -> None:
    found = {hazard.code: hazard for hazard in hazards(every_hazard())}
    assert set(found) == set(HazardCode)
    assert found[HazardCode.STRANDS].tickets == 12
    assert found[HazardCode.STRANDS].remedy == "--max-stranded 15"
    assert found[HazardCode.STICKS].remedy == "--max-stranded 15"


@given(PLANS)
def test_the_remedies_of_a_refusal_let_the_plan_pass(plan: Plan) -> None:
    generous = Allowances(harmed_by(plan), widening=True, many_retired=True)
    check_guards(plan, generous)
    if hazards(plan):
        with pytest.raises(RefusedByGuard) as refused:
            check_guards(plan, Allowances())
        assert all(each.remedy in refused.value.message for each in hazards(plan))


def test_one_ticket_more_than_allowed_is_refused() -> None:
    plan = every_hazard()
    check_guards(plan, Allowances(15, widening=True, many_retired=True))
    with pytest.raises(RefusedByGuard):
        check_guards(plan, Allowances(14, widening=True, many_retired=True))


def test_a_new_workflow_widens_nothing() -> None:
    assert hazards(planned({}, snapshot(workflow("w", INCIDENT)))) == ()


READERS = {
    "for everyone now": (visibility("involved"), visibility("everyone"), True),
    "for the involved now": (visibility("everyone"), visibility("involved"), False),
    "for the involved as before": (visibility("involved"), visibility("involved"), False),
    "for everyone, as if nothing was declared": (None, visibility("everyone"), False),
    "for the involved from the first": (None, visibility("involved"), False),
    "for everyone, as before it was retired": (
        retired(visibility("involved")),
        visibility("everyone"),
        False,
    ),
    "for everyone, as nothing is declared any more": (visibility("involved"), None, True),
}


@pytest.mark.parametrize(("before", "after", "widens"), READERS.values(), ids=READERS)
def test_opening_tickets_to_everyone_widens_rights(
    before: Resource | None, after: Resource | None, *, widens: bool
) -> None:
    plan = planned(snapshot(*filter(None, [before])), snapshot(*filter(None, [after])))
    assert [each.code for each in hazards(plan)] == [HazardCode.WIDENS] * widens
