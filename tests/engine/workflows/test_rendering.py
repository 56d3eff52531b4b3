"""Each drawing of each default workflow is held to its snapshot."""

from itertools import product

import pytest
from syrupy.assertion import SnapshotAssertion

from engine.workflows.compiler import compile_workflow
from engine.workflows.defaults import default_workflows
from engine.workflows.rendering import GraphFormat, render

WORKFLOWS = {each.name: compile_workflow(each) for each in default_workflows()}


@pytest.mark.parametrize(("name", "form"), [*product(WORKFLOWS, GraphFormat)])
def test_a_drawing_is_as_it_was(name: str, form: GraphFormat, snapshot: SnapshotAssertion) -> None:
    assert render(WORKFLOWS[name], form) == snapshot


@pytest.mark.parametrize("form", GraphFormat)
def test_the_role_stands_on_its_edge(form: GraphFormat) -> None:
    assert "requester" in render(WORKFLOWS["incident_response"], form)
    assert "requester" not in render(WORKFLOWS["change_request"], form)
