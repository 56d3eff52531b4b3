"""What a search for a text asks for. Pure.

    printer floor-3        both: a word that begins with `printer`, and `floor` followed by a word
                           that begins with `3`
    pc printer             `pc`, because it is short, and a word that begins with `printer`
    "print server"         these words, one after the other; the last one exactly
    printer or scanner     one of both
    -toner                 not this

`engine.tickets.search_words` says what a word is.
"""

import re
from dataclasses import dataclass
from typing import Final, NamedTuple

from engine.tickets.search_words import runs_of

_PART: Final = re.compile(
    r"""(?P<excluded>(?<!\S)-(?=["\w]))?(?:"(?P<quoted>[^"]*)"|(?P<plain>[^\s"]+))"""
)
_OR: Final = "or"
BEGINNING_CHARACTERS: Final = 4
"""A shorter word must be equal, unless it is at the end of the search, where users still type.

So many words begin with `the` or `in` that a search for all of them takes ten times as long.
"""
_TICKET_ID_BEGINNING: Final = re.compile(r"tk_[0-9a-f]+")


class Term(NamedTuple):
    """Words that must follow one another in a text.

    Attributes:
        is_exact: whether the last word must be equal; otherwise, a word that begins with it is
            enough.

    """

    words: tuple[str, ...]
    is_exact: bool


@dataclass(frozen=True, slots=True)
class TextSearch:
    """A text matches if it has all terms of an alternative, and its ticket has no excluded term.

    Attributes:
        alternatives: none if only terms are excluded.
        ticket_id: the beginning of a ticket id if the search is nothing else. Then that ticket
            matches as well.

    """

    alternatives: tuple[tuple[Term, ...], ...]
    excluded: tuple[Term, ...]
    ticket_id: str | None = None

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to search for."""
        return not self.alternatives and not self.excluded


def parse_text_search(text: str) -> TextSearch:
    """Return what a text asks for; characters that belong to no word only separate words."""
    alternatives: list[list[Term]] = [[]]
    excluded: list[Term] = []
    end = len(text.rstrip())
    for part in _PART.finditer(text):
        plain, is_last = part["plain"], part.end() == end
        if plain is not None and plain.casefold() == _OR and alternatives[-1]:
            alternatives.append([])
        elif term := _term(plain or part["quoted"] or "", quoted=plain is None, is_last=is_last):
            (excluded if part["excluded"] else alternatives[-1]).append(term)
    return TextSearch(
        tuple(tuple(terms) for terms in alternatives if terms), tuple(excluded), _ticket_id(text)
    )


def _term(text: str, *, quoted: bool, is_last: bool) -> Term | None:
    """Return the term for a text without white space or in quotes; None if it has no words."""
    runs = [*runs_of(text)]
    if not runs:
        return None
    *before, last = runs
    words = [word for run in before for word in run.words] + last.first_words
    is_short = len(words[-1]) < BEGINNING_CHARACTERS and not is_last
    return Term(tuple(words), (quoted or is_short) and not last.is_unspaced)


def _ticket_id(text: str) -> str | None:
    stripped = text.strip().lower()
    return stripped if _TICKET_ID_BEGINNING.fullmatch(stripped) else None
