"""A workflow as SVG, drawn without a tool: `draw` is the whole interface."""

from engine.workflows.svg.drawing import draw

__all__ = ["draw"]
