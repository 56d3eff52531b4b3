"""What a reader or a rule has to say about a declaration, and where it says it."""

from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import NamedTuple


class Location(NamedTuple):
    """A place in a text: line and column count from 1, columns in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How much a finding matters: only an error makes a declaration unusable."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing worth saying about a declaration.

    Attributes:
        code: stable, snake_case; what a script switches on.
        message: what is wrong and what would be right, in one sentence or two.
        at: where it stands.
        severity: see `Severity`.

    """

    code: str
    message: str
    at: Location
    severity: Severity = Severity.ERROR

    @property
    def facts(self) -> dict[str, str | int]:
        """The finding in plain values, as JSON has it."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            **self.at._asdict(),
        }

    def __str__(self) -> str:
        return f"{self.at}: {self.severity}: {self.message} [{self.code}]"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for the known words near to `word`; empty if none is near."""
    by_folded = {name.casefold(): str(name) for name in known}
    near = [by_folded[hit] for hit in get_close_matches(word.casefold(), sorted(by_folded), n=3)]
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
