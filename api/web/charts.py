"""Bars for the rows of tables, as SVG. Pure.

The table has the numbers as text, so a bar is decoration for screen readers. The parts of a bar
differ in height, so that colour is not the only difference.
"""

from collections.abc import Sequence
from typing import Final

from markupsafe import Markup

_LENGTH: Final = 100
_HEIGHTS: Final = (10, 4)
_SVG: Final = Markup(
    '<svg class="bar" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
    "{parts}</svg>"
)
_PART: Final = Markup(
    '<rect class="part-{number}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height}"/>'
)


def bar(parts: Sequence[float], longest: float) -> Markup:
    """Return a bar.

    Args:
        parts: the values of the parts, from left to right; at most two.
        longest: the value of the longest bar of the table, which has the whole width.

    """
    drawn, x = [], 0.0
    for number, (value, height) in enumerate(zip(parts, _HEIGHTS, strict=False), 1):
        width = round(_LENGTH * value / longest, 2) if longest > 0 else 0.0
        if width:
            y = (_HEIGHTS[0] - height) / 2
            drawn.append(_PART.format(number=number, x=x, y=y, width=width, height=height))
        x = round(x + width, 2)
    return _SVG.format(parts=Markup("").join(drawn))
