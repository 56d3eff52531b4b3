"""A workflow as SVG: `draw`, and `STYLE` for pages that contain drawings without it."""

from engine.workflows.svg.drawing import draw
from engine.workflows.svg.style import STYLE

__all__ = ["STYLE", "draw"]
