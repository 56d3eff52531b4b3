"""Parses and validates a declaration; every finding has its position."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine import limits
from engine.declaration.checks import check_section
from engine.declaration.diagnostics import finding_of
from engine.declaration.document import YamlDocument
from engine.declaration.models import SECTION, Ticketing
from engine.declaration.section import find_gap, missing_section
from engine.declaration.source_map import Value
from engine.declaration.yaml_reader import TOO_MANY_FINDINGS, read_yaml
from engine.errors import InvalidDeclaration
from engine.findings import Finding, Location

_DEFAULTS: Final[Value] = Ticketing().model_dump(mode="json", by_alias=True)
"""The values of an empty section, which are those of the chart."""

_ENOUGH: Final = limits.DOCUMENT_FINDINGS + 1
"""One finding more than is shown, to know that there are more."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A valid declaration with the positions of its values."""

    ticketing: Ticketing
    section: YamlDocument

    def location(self, *path: str | int) -> Location:
        """Return the location of the value at `path` in the section, or of its nearest ancestor."""
        return self.section.location(path)


def parse_declaration(text: str, file: str) -> Declaration:
    """Parse the `ticketing:` section of a text; raise as `build_declaration` does."""
    return build_declaration(read_yaml(text, file, section=(SECTION,)))


def build_declaration(document: YamlDocument) -> Declaration:
    """Return the declaration in a document.

    Raises:
        InvalidDeclaration: the document has findings; they are in the order of the text.

    """
    if document.draft is None:
        raise InvalidDeclaration(_merged(document.findings, []))
    if gap := find_gap(document):
        raise InvalidDeclaration(_merged(document.findings, [missing_section(document, gap)]))
    inner = document.at(document.key)
    section = inner.at((SECTION,))
    values = without_nulls(section.draft, _DEFAULTS)
    ticketing, errors = _validate(values)
    # Neither the findings of the reader nor those of the models hide those of the checks.
    findings = [finding_of(inner, error) for error in errors]
    findings += islice(check_section(section, values), _ENOUGH)
    if ticketing is None or document.findings or findings:
        raise InvalidDeclaration(_merged(document.findings, findings))
    return Declaration(ticketing, section)


def without_nulls(section: Value, defaults: Value) -> Value:
    """Return a section without nulls where there is a default, because Helm removes them."""
    if not isinstance(section, dict) or not isinstance(defaults, dict):
        return section
    return {
        key: without_nulls(value, defaults.get(key))
        for key, value in section.items()
        if value is not None or defaults.get(key) is None
    }


def _validate(section: Value) -> tuple[Ticketing | None, Sequence[ErrorDetails]]:
    """Return the section as a model, or None with the first errors."""
    try:
        return Ticketing.model_validate({} if section is None else section), ()
    except ValidationError as error:
        return None, error.errors(include_url=False)[:_ENOUGH]


def _merged(of_reader: Sequence[Finding], of_rules: Sequence[Finding]) -> list[Finding]:
    """Return the first findings in the order of the text.

    Of several findings at one position, only that of the reader is kept, because it is the cause.
    """
    known = {finding.at for finding in of_reader}
    findings = [*of_reader, *(finding for finding in of_rules if finding.at not in known)]
    ordered = sorted(findings, key=lambda finding: finding.at)
    shown, rest = ordered[: limits.DOCUMENT_FINDINGS], ordered[limits.DOCUMENT_FINDINGS :]
    more = (Finding("too_many_findings", TOO_MANY_FINDINGS, each.at) for each in rest[:1])
    return [*shown, *more]
