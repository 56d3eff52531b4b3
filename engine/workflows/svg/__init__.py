"""A workflow as SVG. The public interface is `draw`."""

from engine.workflows.svg.drawing import draw

__all__ = ["draw"]
