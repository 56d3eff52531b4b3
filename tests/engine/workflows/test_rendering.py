"""The drawings of the default workflows equal their snapshots."""

from dataclasses import replace
from itertools import product

import pytest
from syrupy.assertion import SnapshotAssertion

from engine.declaration.defaults import default_workflows
from engine.workflows.compiler import CompiledWorkflow, compile_workflow
from engine.workflows.policy import Policy, transitions_of
from engine.workflows.rendering import GraphFormat, render
from tests.support.policies import EVERY_PAIR

WORKFLOWS = {each.name: compile_workflow(each) for each in default_workflows()} | {
    "every_pair": CompiledWorkflow("every_pair", "Every pair", EVERY_PAIR)
}


@pytest.mark.parametrize(("name", "form"), [*product(WORKFLOWS, GraphFormat)])
def test_a_drawing_equals_its_snapshot(
    name: str, form: GraphFormat, snapshot: SnapshotAssertion
) -> None:
    assert render(WORKFLOWS[name], form) == snapshot


EDGES = {
    GraphFormat.MERMAID: "{lower_source} --> {lower_target} : {event} [{role}]",
    GraphFormat.DOT: "{lower_source} -> {lower_target} [label=<",
    GraphFormat.TEXT: "| {source:<11} | {event:<14} | {role:<9} | {target:<11} |",
    GraphFormat.SVG: '<g class="edge {role}" data-from="{source}" data-to="{target}">',
}


@pytest.mark.parametrize("form", GraphFormat)
def test_each_transition_is_drawn_with_its_role(form: GraphFormat) -> None:
    drawn = render(WORKFLOWS["every_pair"], form)
    for source, target, role in transitions_of(EVERY_PAIR):
        words = {"source": source.value, "target": target.value, "role": role.value}
        words |= {"lower_source": source.lower(), "lower_target": target.lower()}
        words["event"] = f"To {target.lower().replace('_', ' ')}"
        line = next(each for each in drawn.splitlines() if EDGES[form].format(**words) in each)
        assert role.value in line


@pytest.mark.parametrize("form", GraphFormat)
def test_a_workflow_is_drawn_once_in_each_form(form: GraphFormat) -> None:
    drawn = render(WORKFLOWS["every_pair"], form)
    assert render(replace(WORKFLOWS["every_pair"]), form) is drawn
    assert render(replace(WORKFLOWS["every_pair"], policy=Policy(0)), form) != drawn


def test_the_name_of_a_workflow_can_be_a_keyword_of_dot() -> None:
    drawn = render(CompiledWorkflow("graph", "Graph", EVERY_PAIR), GraphFormat.DOT)
    assert drawn.startswith('digraph "graph" {\nlabel="graph";')
