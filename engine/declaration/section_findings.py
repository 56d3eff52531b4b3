"""Keeps the findings that concern our section of a values file, and ignores the others.

A values file also holds the values of other charts, whose mistakes have no effect on ours. An error
that ends reading is always a finding.
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final

from engine import limits
from engine.findings import Finding

MERGE_KEY: Final = "<<"
"""The key that inserts the entries of other mappings, which can be those of the section."""

KeyPath = tuple[str | None, ...]
"""The keys from the root to a value; None for an item of a list."""


class SectionFindings:
    """The findings of one text.

    Args:
        section: the path of the section; with an empty path, all findings are kept.

    """

    def __init__(self, section: tuple[str, ...]) -> None:
        self.kept: list[Finding] = []
        self._section = section
        self._of_anchors: dict[str, list[Finding]] = {}

    def concerns(self, path: KeyPath) -> bool:
        """Return whether a value is in the section, or one of the mappings around it."""
        return all(key in (name, MERGE_KEY) for key, name in zip(path, self._section, strict=False))

    def add(self, findings: Iterable[Finding], path: KeyPath, anchors: Iterable[str]) -> None:
        """Keep findings if they concern the section, now or when it uses an anchor around them.

        Args:
            findings: the findings about one value.
            path: the path of the value.
            anchors: the anchors of the value and of the values around it.

        """
        if self.concerns(path):
            self.kept += findings
            return
        for anchor in anchors:
            known = self._of_anchors.setdefault(anchor, [])
            known += islice(findings, limits.DOCUMENT_FINDINGS - len(known))

    def of_anchor(self, anchor: str) -> list[Finding]:
        """Return the findings outside the section in the value of an anchor."""
        return self._of_anchors.get(anchor, [])
