"""Comments in a values file that silence findings: `# interlock: ignore[code] reason`.

A comment applies to the findings on its line. A comment on a line of its own applies to the next
line. An error cannot be silenced, because it makes the declaration invalid.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from engine.findings import Finding, Location, Severity

_COMMENT: Final = re.compile(
    r"(?P<before>[^#]*)#\s*interlock:\s*ignore\b(?:\[(?P<code>\w+)\])?(?P<reason>.*)"
)
_FORM: Final = "Write `# interlock: ignore[code] reason`."


@dataclass(frozen=True, slots=True)
class _Comment:
    """A comment that silences a finding.

    Attributes:
        line: the line that it applies to.
        at: where the comment begins.

    """

    code: str
    line: int
    at: Location


def without_silenced(findings: Iterable[Finding], text: str, file: str) -> list[Finding]:
    """Return the findings that no comment silences, and findings about wrong or needless comments.

    Args:
        findings: the findings in the text.
        text: the values file.
        file: its name for locations.

    """
    found = list(_comments(text, file))
    comments = [each for each in found if isinstance(each, _Comment)]
    remaining = [each for each in found if isinstance(each, Finding)]
    silenced = {(each.code, each.line) for each in comments}
    used: set[tuple[str, int]] = set()
    for finding in findings:
        key = finding.code, finding.at.line
        if key in silenced and finding.severity is not Severity.ERROR:
            used.add(key)
        else:
            remaining.append(finding)
    for comment in comments:
        if (comment.code, comment.line) not in used:
            message = f"There is no warning {comment.code} to ignore here; remove the comment."
            remaining.append(Finding("unused_ignore", message, comment.at, Severity.WARNING))
    return sorted(remaining, key=lambda each: each.at)


def _comments(text: str, file: str) -> Iterator[_Comment | Finding]:
    """Yield the comments, and findings for those without a code or a reason."""
    for number, line in enumerate(text.splitlines(), 1):
        match = _COMMENT.fullmatch(line)
        if match is None:
            continue
        at = Location(file, number, len(match["before"]) + 1)
        if match["code"] and match["reason"].strip():
            is_alone = not match["before"].strip()
            yield _Comment(match["code"], number + is_alone, at)
        else:
            missing = "a reason" if match["code"] else "the code of the finding"
            message = f"The comment to ignore a finding lacks {missing}. {_FORM}"
            yield Finding("wrong_ignore", message, at, Severity.WARNING)
