"""Messages about a declaration, with their positions."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import NamedTuple


class Location(NamedTuple):
    """A position in a file. Line and column count from 1, columns in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class Severity(StrEnum):
    """How serious a finding is. Only errors make a declaration invalid."""

    ERROR = "error"
    WARNING = "warning"
    INFORMATION = "information"


@dataclass(frozen=True, slots=True)
class Finding:
    """A message about a declaration.

    Attributes:
        code: the stable code for scripts, in snake_case.
        message: what is wrong and how to fix it, in one or two sentences.

    """

    code: str
    message: str
    at: Location
    severity: Severity = Severity.ERROR

    @property
    def facts(self) -> dict[str, str | int]:
        """The finding as a JSON object."""
        return {
            "code": self.code,
            "severity": self.severity.value,
            "message": self.message,
            **self.at._asdict(),
        }

    def __str__(self) -> str:
        return f"{self.at}: {self.severity}: {self.message} [{self.code}]"


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Return `` Did you mean 'x'?`` for up to three similar words, or an empty text."""
    return suggest(near_words(word, known))


def near_words(word: str, known: Iterable[str]) -> list[str]:
    """Return up to three similar words, the most similar first."""
    by_folded = {name.casefold(): str(name) for name in known}
    return [by_folded[hit] for hit in get_close_matches(word.casefold(), sorted(by_folded), n=3)]


def suggest(near: Sequence[str]) -> str:
    """Return `` Did you mean 'x' or 'y'?``; an empty text if there is nothing to suggest."""
    return f" Did you mean {' or '.join(map(repr, near))}?" if near else ""
