"""The words by which a search finds a text. Pure.

A word is a run of letters, digits and their marks; all other characters separate words, so that a
URL, a path or a code is the words of its parts, one after the other. Spelling does not matter:
upper and lower case, composed and decomposed characters (NFC, NFD), full and half width, invisible
characters.

Scripts that do not separate words by spaces, such as Chinese, Japanese and Thai, are stored as
pairs of neighbouring characters, and the last character of a run: ABCD would be AB BC CD D. So any
part of such a run is found: BC begins a word, BCD is BC and CD, and D begins a word as well.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from unicodedata import category, normalize

WORD_CHARACTERS: Final = 64
"""Longer runs are several words. PostgreSQL cannot store words of more than 2,046 bytes."""

_UNSPACED: Final = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u0f00-\u109f"  # Tibetan, Myanmar
    "\u1100-\u11ff\ua960-\ua97f\uac00-\ud7ff"  # Hangul
    "\u1780-\u17ff"  # Khmer
    "\u2e80-\u9fff\uf900-\ufaff\U0001b000-\U0001b16f\U00020000-\U0003ffff"  # Han, kana, bopomofo
    "\ua000-\ua4cf\ua9e0-\ua9ff\uaa60-\uaa7f"  # Yi, Myanmar
)
_RUNS: Final = re.compile(f"[{_UNSPACED}]+|[^{_UNSPACED}]+")
_ASCII_WORDS: Final = re.compile(f"[a-z0-9]{{1,{WORD_CHARACTERS}}}")
_IS_UNSPACED: Final = re.compile(f"[{_UNSPACED}]")
_VARIATION_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))


class Run(NamedTuple):
    """Characters of one sort without a separator; `is_unspaced`: in a script without spaces."""

    text: str
    is_unspaced: bool

    @property
    def words(self) -> list[str]:
        """The words as they are stored."""
        if self.is_unspaced:
            return [self.text[start : start + 2] for start in range(len(self.text))]
        steps = range(0, len(self.text), WORD_CHARACTERS)
        return [self.text[start : start + WORD_CHARACTERS] for start in steps]

    @property
    def first_words(self) -> list[str]:
        """The words with which every run begins, or continues, that contains this one."""
        return self.words[:-1] if self.is_unspaced and len(self.text) > 1 else self.words


class _Replacements(dict[int, str]):
    """What replaces each character: itself, a space, or nothing; computed when first needed."""

    def __missing__(self, code: int) -> str:
        replacement = _replacement(chr(code))
        if replacement.strip():
            self[code] = replacement
        return replacement


def _replacement(character: str) -> str:
    kind = category(character)
    if kind == "Cf" or any(ord(character) in each for each in _VARIATION_SELECTORS):
        return ""
    if kind == "So":  # an emoji, for example
        return f" {character} "
    return character if kind[0] in "LNM" else " "


_REPLACEMENTS: Final = _Replacements({code: _replacement(chr(code)) for code in range(128)})


def words_of(text: str) -> list[str]:
    """Return the words of a text in their order, as they are stored."""
    if text.isascii():  # nine times as fast
        return _ASCII_WORDS.findall(text.lower())
    return [word for run in runs_of(text) for word in run.words]


def runs_of(text: str) -> Iterator[Run]:
    """Yield the runs of a text in their order, in the spelling in which they are stored."""
    folded = normalize("NFKC", normalize("NFKC", text).casefold())
    for part in folded.translate(_REPLACEMENTS).split():
        for found in _RUNS.findall(part):
            yield Run(found, is_unspaced=_IS_UNSPACED.match(found) is not None)
