"""What is exported declares exactly what is in force."""

from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from engine.vocabulary import Visibility
from engine.workflows.declaration import Ticketing
from engine.workflows.resources import Snapshot, declared_resources
from reconciler.desired import desired_in
from reconciler.diff import diff
from reconciler.export import values_of, workflow_values
from tests.reconciler.plans import (
    INCIDENT,
    auto_close,
    live_snapshots,
    sla,
    snapshot,
    visibility,
    workflow,
)


@given(live_snapshots(), st.sampled_from(Visibility))
def test_planning_an_export_finds_nothing_to_do(live: Snapshot, readers: Visibility) -> None:
    live = {**live, **snapshot(auto_close("72h"), sla(), visibility(readers))}
    exported = values_of(live)
    desired = desired_in([("values.yaml", exported)])
    assert diff(live, desired.resources) == ()
    assert values_of(desired.resources) == exported


def test_defaults_are_exported_by_name(snapshot: SnapshotAssertion) -> None:
    assert values_of(declared_resources(Ticketing())) == snapshot


def test_a_revision_is_shown_as_it_was_declared(snapshot: SnapshotAssertion) -> None:
    assert workflow_values(workflow("hotfix", INCIDENT, "on: no").declaration) == snapshot
