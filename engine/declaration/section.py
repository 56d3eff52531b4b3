"""Finds the `ticketing:` section of a document, or what is there in its place."""

from typing import NamedTuple

from engine import limits
from engine.declaration.diagnostics import dotted
from engine.declaration.document import YamlDocument
from engine.declaration.models import SECTION
from engine.declaration.source_map import Path, Value
from engine.findings import Finding, did_you_mean


class Gap(NamedTuple):
    """The first missing key on the path to the section.

    Attributes:
        path: the path of the mapping that should have the key.
        parent: that mapping.

    """

    path: Path
    key: str
    parent: dict[str, Value]

    @property
    def misspelt(self) -> str:
        """A similar key of the parent; empty if no key is similar."""
        keys = (
            key for key in self.parent if did_you_mean(key[: limits.NAME_CHARACTERS], [self.key])
        )
        return next(keys, "")


def find_gap(document: YamlDocument) -> Gap | None:
    """Return the first missing key on the path to the section; None if there is a section."""
    path: tuple[str, ...] = (*document.key, SECTION)
    value = document.draft
    for index, key in enumerate(path):
        parent = value if isinstance(value, dict) else {}
        if key not in parent:
            return Gap(path[:index], key, parent)
        value = parent[key]
    return None


def missing_section(document: YamlDocument, gap: Gap) -> Finding:
    """Return the finding for a document without a section."""
    section = repr(dotted((*document.key, SECTION)))
    message = f"There is no {'' if document.key else 'top-level '}{section} section."
    nested = (k for k, value in gap.parent.items() if isinstance(value, dict) and SECTION in value)
    if gap.misspelt:
        message += f" Is {gap.misspelt!r} misspelt?"
    elif key := next(nested, ""):
        message += f" There is one under {key!r}."
    return Finding("missing_section", message, document.location(gap.path))
