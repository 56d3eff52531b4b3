"""The services of `compose.yaml`, as Compose reads them."""

import re
from collections.abc import Mapping
from typing import Any, Final

import yaml

from tests.support.paths import ROOT

_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::\?[^}]*|:-([^}]*))?\}")
_TEXT: Final = (ROOT / "compose.yaml").read_text("utf-8")
REQUIRED: Final = frozenset(re.findall(r"\$\{(\w+):\?", _TEXT))
"""The variables that a user must set."""


def read_compose(variables: Mapping[str, str]) -> dict[str, Any]:
    """Return the content of the file with the values of variables."""
    filled = _VARIABLE.sub(lambda found: variables.get(found[1], found[2] or ""), _TEXT)
    content: dict[str, Any] = yaml.safe_load(filled)
    return content
