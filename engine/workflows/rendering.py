"""A workflow as Mermaid, DOT, a text table and SVG.

The SVG is drawn here; the others come from python-statemachine's diagram formatter.
"""

import re
from enum import StrEnum
from typing import Final

from statemachine.contrib.diagram.formatter import formatter

from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.interop import CLASS_NAME, statechart_of
from engine.workflows.svg import draw


class GraphFormat(StrEnum):
    """How a workflow is drawn."""

    MERMAID = "mermaid"
    DOT = "dot"
    TEXT = "text"
    SVG = "svg"


NAMES_IN_FORMATTER: Final = {
    GraphFormat.MERMAID: "mermaid",
    GraphFormat.DOT: "dot",
    GraphFormat.TEXT: "md",
}
MEMORY_ADDRESS: Final = re.compile(r"(?<=__initial_)\d+|(?<=__atomic_)\d+")


def render(workflow: CompiledWorkflow, form: GraphFormat) -> str:
    """Return the drawing of a workflow: the same text for the same workflow, every time."""
    if form is GraphFormat.SVG:
        return draw(workflow)
    drawn = formatter.render(statechart_of(workflow.policy), NAMES_IN_FORMATTER[form])
    # The formatter names helper nodes by memory address, which differs from run to run; the quotes
    # keep a workflow whose name is a word of DOT, such as `graph` or `node`, drawable.
    return MEMORY_ADDRESS.sub("0", drawn).replace(CLASS_NAME, f'"{workflow.name}"').rstrip() + "\n"
