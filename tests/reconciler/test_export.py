"""An export declares exactly the active resources."""

from hypothesis import given
from hypothesis import strategies as st
from syrupy.assertion import SnapshotAssertion

from engine.declaration.models import Ticketing
from engine.resources.resource import Resource, Snapshot, declared_resources
from engine.vocabulary import Visibility
from reconciler.desired import Desired, read_desired
from reconciler.diff import diff
from reconciler.export import export_values, export_workflow
from reconciler.values import ValuesInput
from tests.support.generated_plans import LIVE_SNAPSHOTS
from tests.support.plans import INCIDENT
from tests.support.resources import (
    auto_close,
    groups,
    on_behalf,
    sla,
    snapshot,
    switch,
    visibility,
    workflow,
)


def read_export(text: str) -> Desired:
    return read_desired(ValuesInput([("values.yaml", text)]))


@given(LIVE_SNAPSHOTS, st.sampled_from(Visibility), st.builds(switch, enabled=st.booleans()))
def test_planning_an_export_results_in_no_changes(
    live: Snapshot, readers: Visibility, enabled: Resource
) -> None:
    named = (groups(), on_behalf("service-desk", "on: no"))
    settings = snapshot(auto_close("72h"), sla(), visibility(readers), enabled, *named)
    live = {**live, **settings}
    exported = export_values(live)
    desired = read_export(exported)
    assert diff(live, desired.resources) == ()
    assert export_values(desired.resources) == exported


def test_a_disabled_plugin_is_exported() -> None:
    ticketing = Ticketing(enabled=False)
    exported = export_values(declared_resources(ticketing))
    assert "\n  enabled: false\n" in exported
    assert read_export(exported).resources == declared_resources(ticketing)


def test_defaults_are_exported_by_name(snapshot: SnapshotAssertion) -> None:
    assert export_values(declared_resources(Ticketing())) == snapshot


def test_a_revision_is_exported_as_it_was_declared(snapshot: SnapshotAssertion) -> None:
    assert export_workflow("hotfix", workflow("hotfix", INCIDENT, "on: no").declaration) == snapshot
