"""Which media type a client would have its answer in (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final, NamedTuple, Self

from api import limits
from engine.errors import InterlockError

ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*+"?)++')
PARAMETER: Final = re.compile(r'(?:[^;"]|"(?:\\.|[^"\\])*+"?)++')
TYPE: Final = re.compile(r"[\w!#$&^.+*-]+/[\w!#$&^.+*-]+", re.ASCII)
QUALITY: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)
OURS: Final = frozenset({("charset", "utf-8"), ("charset", "utf8")})
"""The parameters of whatever is answered here; a range that asks for others means others."""


class NotAcceptable(InterlockError):
    """None of the media types that the `Accept` header takes is one of those offered here."""

    code = "not_acceptable"
    status = 406


class Exactness(IntEnum):
    """How exactly a range names a media type."""

    ANYTHING = 0
    FAMILY = 1
    NAMED = 2


class Preference(NamedTuple):
    """How much a client wants a media type, and how exactly it says so."""

    quality: float
    exactness: Exactness


@dataclass(frozen=True, slots=True)
class MediaRange:
    """One element of an `Accept` header.

    Attributes:
        type: as written in lower case, such as `application/json`, `text/*` or `*/*`.
        quality: 0 for what is not taken, up to 1.

    """

    type: str
    quality: float

    @classmethod
    def read(cls, element: str) -> Self | None:
        """Return a range; None if it is not one, or one of representations that nobody has."""
        name, *rest = (part.strip().lower() for part in PARAMETER.findall(element) or [""])
        parameters = [parameter_in(part) for part in rest if part]
        qualities = [text for key, text in parameters if key == "q"] or ["1"]
        others = {each for each in parameters if each[0] != "q"}
        if not TYPE.fullmatch(name) or not QUALITY.fullmatch(qualities[0]) or others - OURS:
            return None
        return cls(name, float(qualities[0]))

    def exactness_for(self, media_type: str) -> Exactness | None:
        """Return how exactly the range names a media type; None if it is not in it."""
        family = f"{media_type.partition('/')[0]}/*"
        names = {
            media_type: Exactness.NAMED,
            family: Exactness.FAMILY,
            "*/*": Exactness.ANYTHING,
        }
        return names.get(self.type)


def parameter_in(text: str) -> tuple[str, str]:
    """Return name and value of a parameter of a media range."""
    name, _, value = text.partition("=")
    return name.strip(), value.strip().strip('"')


def ranges_in(accept: str) -> Iterator[MediaRange]:
    """Yield the ranges of an `Accept` header; what can't be read asks for nothing."""
    for element in ELEMENT.findall(accept):
        if media_range := MediaRange.read(element):
            yield media_range


def preference(media_type: str, ranges: Iterable[MediaRange]) -> Preference:
    """Return how much a client wants a media type: by the range that names it most exactly."""
    fitting = [
        Preference(each.quality, exactness)
        for each in ranges
        if (exactness := each.exactness_for(media_type)) is not None
    ]
    return max(fitting, key=lambda each: each.exactness, default=Preference(0, Exactness.ANYTHING))


@lru_cache(limits.ACCEPT_HEADERS)
def best_match(accept: str, offered: tuple[str, ...], default: str) -> str:
    """Return the media type that a client likes best of those offered.

    Args:
        accept: the whole header; empty if there is none.
        offered: among those that the client names and likes alike, the first wins.
        default: for a client that names none of them, as far as its wildcards take it.

    Raises:
        NotAcceptable: it takes none.

    """
    if not accept.strip():
        return default
    ranges = list(ranges_in(accept))
    likings = {media_type: preference(media_type, ranges) for media_type in offered}
    best = max(offered, key=likings.__getitem__)
    if not likings[best].quality:
        raise NotAcceptable(offered=list(offered), accept=accept)
    unnamed = likings[best].exactness is not Exactness.NAMED
    return default if unnamed and likings[default] == likings[best] else best
