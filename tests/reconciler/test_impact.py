"""The impact of changes on live tickets, compared with the permissions of each status."""

from hypothesis import given

from engine.resources.resource import Kind, Snapshot
from engine.vocabulary import ROLE_COMBINATIONS, STATUSES, Status
from engine.workflows.policy import permits
from reconciler.diff import Change, diff
from reconciler.impact import (
    LIVE_STATUSES,
    LiveTickets,
    affected_statuses,
    impact_of,
    items_of_retired_workflows,
)
from reconciler.permissions_diff import active_policy, last_known_policy
from tests.support.generated_plans import LIVE_SNAPSHOTS, SNAPSHOTS
from tests.support.plans import INCIDENT
from tests.support.resources import item, retired, snapshot, workflow


def transitions_from(policy: int, status: Status) -> set[tuple[Status, int]]:
    """Return the targets of all permitted transitions from a status, with the actor roles."""
    return {
        (to, actor)
        for to in STATUSES
        for actor in ROLE_COMBINATIONS
        if permits(policy, status, to, actor)
    }


def one_ticket_in_each_status(change: Change) -> LiveTickets:
    keys = [(change.name, status) for status in LIVE_STATUSES]
    return LiveTickets(dict.fromkeys(keys, 1), {key: [f"tk_{key[1]}"] for key in keys})


@given(LIVE_SNAPSHOTS, SNAPSHOTS)
def test_the_impact_follows_from_the_permissions_of_each_status(
    live: Snapshot, desired: Snapshot
) -> None:
    for change in diff(live, desired):
        if change.kind is not Kind.WORKFLOW:
            assert affected_statuses([change]) == set()
            continue
        impact = impact_of(change, one_ticket_in_each_status(change), {})
        before, after = active_policy(change.before), active_policy(change.after)
        for status in LIVE_STATUSES:
            old, new = transitions_from(before, status), transitions_from(after, status)
            assert (status in impact.gaining.by_status) == bool(new - old)
            is_retired = change.after.retired
            assert (status in impact.stranded.by_status) == is_retired
            assert (status in impact.losing.by_status) == (bool(old - new) and not is_retired)
            was_movable = bool(transitions_from(last_known_policy(change.before), status))
            assert (status in impact.stuck.by_status) == (
                was_movable and not new and not is_retired
            )


@given(LIVE_SNAPSHOTS, SNAPSHOTS)
def test_affected_statuses_are_those_of_the_impact(live: Snapshot, desired: Snapshot) -> None:
    for change in diff(live, desired):
        impact = impact_of(change, one_ticket_in_each_status(change), {})
        all_affected = (impact.stranded, impact.stuck, impact.gaining, impact.losing)
        counted = {(change.name, status) for each in all_affected for status in each.by_status}
        assert counted == affected_statuses([change])


def test_the_impact_of_a_retired_workflow_has_its_active_items() -> None:
    flow = workflow("vpn", INCIDENT)
    live = snapshot(
        flow, item("b", "vpn", "c"), item("a", "vpn", "c"), retired(item("x", "vpn", "c"))
    )
    change = Change(flow, retired(flow))
    items = items_of_retired_workflows([change], live)
    assert impact_of(change, LiveTickets(), items).items == ("a", "b")
