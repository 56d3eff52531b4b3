"""Text -> declaration, every complaint with file:line:column (design section 9)."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Final

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from engine import limits
from engine.declaration.checks import inconsistencies
from engine.declaration.diagnostics import complaint
from engine.declaration.document import YamlDocument
from engine.declaration.models import SECTION, Ticketing
from engine.declaration.section import gap_before_section, missing_section
from engine.declaration.source_map import Value, value_at
from engine.declaration.yaml_reader import read_yaml
from engine.errors import InvalidDeclaration
from engine.findings import Finding, Location

DEFAULTS: Final[Value] = Ticketing().model_dump(mode="json", by_alias=True)
"""What a section that says nothing means; the values of the chart say the same."""

TOO_MANY: Final = "There is more; mend these first."
ENOUGH: Final = limits.DOCUMENT_FINDINGS + 1
"""One finding more than are shown: then there is more to be said."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A valid declaration that knows where everything in it was written."""

    ticketing: Ticketing
    document: YamlDocument

    def location(self, *path: str | int) -> Location:
        """Return where the value at `path` below `ticketing:` stands, or its nearest parent."""
        return self.document.location((SECTION, *path))


def parse_declaration(text: str, file: str) -> Declaration:
    """Read the `ticketing:` section of a text; raise as `build_declaration` does."""
    return build_declaration(read_yaml(text, file))


def build_declaration(document: YamlDocument) -> Declaration:
    """Return what was read as a declaration.

    Raises:
        InvalidDeclaration: with all that is wrong, in the order of the texts.

    """
    ticketing, findings = judged(document)
    if ticketing is None or document.findings or findings:
        raise InvalidDeclaration(together(document.findings, findings))
    return Declaration(ticketing, document.below_key())


def judged(document: YamlDocument) -> tuple[Ticketing | None, list[Finding]]:
    """Return the section as a model, if it is one, and all that is wrong with it.

    What the reader complained of does not hide what is wrong elsewhere, nor does the form of one
    node hide an inconsistency of another: both are looked for in the values as they were written.
    """
    if document.draft is None:
        return None, []
    if gap := gap_before_section(document):
        return None, [missing_section(document, gap)]
    inner = document.below_key()
    section = without_nulls(value_at(inner.draft, (SECTION,)), DEFAULTS)
    ticketing, errors = validated(section)
    complaints = [complaint(inner, error) for error in errors]
    return ticketing, complaints + list(islice(inconsistencies(inner, section), ENOUGH))


def without_nulls(section: Value, defaults: Value) -> Value:
    """Return a section as Helm leaves it: a `null` takes away, so that the default stands."""
    if not isinstance(section, dict) or not isinstance(defaults, dict):
        return section
    return {
        key: without_nulls(value, defaults.get(key))
        for key, value in section.items()
        if value is not None or defaults.get(key) is None
    }


def validated(section: Value) -> tuple[Ticketing | None, Sequence[ErrorDetails]]:
    """Return the section as a model, or enough of the reasons why it is none."""
    try:
        return Ticketing.model_validate({} if section is None else section), ()
    except ValidationError as error:
        return None, error.errors(include_url=False)[:ENOUGH]


def together(of_reader: Sequence[Finding], of_models: Sequence[Finding]) -> list[Finding]:
    """Return findings in the order of the text; of two about one place the reader's is the cause.

    The first hundred will do: the rest is told when these are mended.
    """
    said = {finding.at for finding in of_reader}
    findings = [*of_reader, *(finding for finding in of_models if finding.at not in said)]
    ordered = sorted(findings, key=lambda finding: finding.at)
    shown, rest = ordered[: limits.DOCUMENT_FINDINGS], ordered[limits.DOCUMENT_FINDINGS :]
    more = (Finding("too_many_findings", TOO_MANY, each.at) for each in rest[:1])
    return [*shown, *more]
