"""The badge of a group: its name and its status, as a small SVG. Pure."""

import unicodedata
from typing import Final

from markupsafe import Markup

from api.web.status_page.wording import WORDS
from api.web.status_page.xml_text import xml_text
from engine.outages.status_page import PublicGroup
from engine.vocabulary import ServiceStatus

SVG: Final = "image/svg+xml"
_COLORS: Final = {
    ServiceStatus.OPERATIONAL: "#1b6a57",
    ServiceStatus.DEGRADED: "#7f5100",
    ServiceStatus.DOWN: "#a52c24",
    ServiceStatus.MAINTENANCE: "#1c5896",
    ServiceStatus.UNKNOWN: "#55615c",
}
"""White text on each of them has enough contrast."""
_LETTER: Final = 7
_MARGIN: Final = 8
_BADGE: Final = Markup(
    '<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="20" role="img"'
    ' aria-label="{label}"><title>{label}</title>'
    '<rect width="{width}" height="20" rx="3" fill="#3a4642"/>'
    '<path d="M{left} 0h{right}v20h-{right}z" fill="{color}"/>'
    '<g fill="#fff" font-family="Verdana,sans-serif" font-size="11">'
    '<text x="{margin}" y="14" textLength="{name_width}" lengthAdjust="spacingAndGlyphs">{name}'
    '</text><text x="{status_at}" y="14" textLength="{status_width}"'
    ' lengthAdjust="spacingAndGlyphs">{status}</text></g></svg>'
)


def render_badge(group: PublicGroup) -> str:
    """Return the badge of a group."""
    name, status = xml_text(group.name), WORDS[group.status].lower()
    name_width, status_width = _width(name), _width(status)
    left, right = name_width + 2 * _MARGIN, status_width + 2 * _MARGIN
    return _BADGE.format(
        width=left + right,
        left=left,
        right=right,
        label=f"{name}: {status}",
        color=_COLORS[group.status],
        margin=_MARGIN,
        name=name,
        name_width=name_width,
        status=status,
        status_at=left + _MARGIN,
        status_width=status_width,
    )


def _width(text: str) -> int:
    """Return the width of a text; characters of East Asian scripts are twice as wide."""
    return _LETTER * sum(1 + (unicodedata.east_asian_width(each) in "WF") for each in text)
