"""A workflow as SVG, or as Mermaid, DOT or a text table by python-statemachine's formatter."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Final

from statemachine.contrib.diagram.formatter import formatter

from engine.limits import DRAWINGS
from engine.workflows.compiler import CompiledWorkflow
from engine.workflows.interop import CLASS_NAME, statechart_of
from engine.workflows.svg import draw


class GraphFormat(StrEnum):
    """The format of a drawing of a workflow."""

    MERMAID = "mermaid"
    DOT = "dot"
    TEXT = "text"
    SVG = "svg"


_FORMATTER_NAMES: Final = {
    GraphFormat.MERMAID: "mermaid",
    GraphFormat.DOT: "dot",
    GraphFormat.TEXT: "md",
}
_MEMORY_ADDRESS: Final = re.compile(r"(?<=__initial_)\d+|(?<=__atomic_)\d+")


@lru_cache(maxsize=DRAWINGS)
def render(workflow: CompiledWorkflow, graph_format: GraphFormat) -> str:
    """Draw a workflow; the same workflow gives the same text, which is kept for the next time."""
    if graph_format is GraphFormat.SVG:
        return draw(workflow)
    drawn = formatter.render(statechart_of(workflow.policy), _FORMATTER_NAMES[graph_format])
    # The formatter names helper nodes by their memory addresses, which differ from run to run.
    # The name is quoted because it can be a keyword of DOT, such as `graph`.
    return _MEMORY_ADDRESS.sub("0", drawn).replace(CLASS_NAME, f'"{workflow.name}"').rstrip() + "\n"
