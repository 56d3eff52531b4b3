"""What is exported declares exactly what is in force."""

from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from engine.declaration.models import Ticketing
from engine.resources.resource import Resource, Snapshot, declared_resources
from engine.vocabulary import Visibility
from reconciler.desired import desired_in
from reconciler.diff import diff
from reconciler.export import values_of, workflow_values
from tests.support.generated_plans import live_snapshots
from tests.support.plans import INCIDENT
from tests.support.resources import auto_close, sla, snapshot, switch, visibility, workflow


@given(live_snapshots(), st.sampled_from(Visibility), st.builds(switch, enabled=st.booleans()))
def test_planning_an_export_finds_nothing_to_do(
    live: Snapshot, readers: Visibility, on_or_off: Resource
) -> None:
    live = {**live, **snapshot(auto_close("72h"), sla(), visibility(readers), on_or_off)}
    exported = values_of(live)
    desired = desired_in([("values.yaml", exported)])
    assert diff(live, desired.resources) == ()
    assert values_of(desired.resources) == exported


def test_that_there_is_no_ticketing_is_exported() -> None:
    ticketing = Ticketing(enabled=False)
    exported = values_of(declared_resources(ticketing))
    assert "\n  enabled: false\n" in exported
    assert desired_in([("values.yaml", exported)]).resources == declared_resources(ticketing)


def test_defaults_are_exported_by_name(snapshot: SnapshotAssertion) -> None:
    assert values_of(declared_resources(Ticketing())) == snapshot


def test_a_revision_is_shown_as_it_was_declared(snapshot: SnapshotAssertion) -> None:
    assert workflow_values(workflow("hotfix", INCIDENT, "on: no").declaration) == snapshot
