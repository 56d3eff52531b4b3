"""Icons: Material names, drawn as inline SVG."""

import json
from collections.abc import Mapping
from functools import cache
from typing import Final

from markupsafe import Markup

from api.web.package_files import read_package_file

_FILE: Final = "vendor/icons.json"
_SVG: Final = Markup(
    '<svg class="icon" viewBox="0 0 24 24" width="24" height="24" aria-hidden="true"'
    ' focusable="false">{shapes}</svg>'
)
_LETTER: Final = Markup('<span class="letter-tile" aria-hidden="true">{letter}</span>')


@cache
def read_icons() -> Mapping[str, str]:
    """Return the shapes of all icons, by Material name.

    Raises:
        Misconfigured: the file of the icons is missing.

    """
    shapes: Mapping[str, str] = json.loads(read_package_file(_FILE))
    return shapes


def icon(name: str | None, label: str = "") -> Markup:
    """Return an icon; a tile with the initial of `label` if no icon has that name."""
    shapes = read_icons().get(name or "")
    if shapes is None:
        return _LETTER.format(letter=label.strip()[:1].upper() or "?")
    return _SVG.format(shapes=Markup(shapes))  # noqa: S704  # our own package data
