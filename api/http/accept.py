"""Content negotiation by the `Accept` header (RFC 9110, section 12.5.1)."""

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from api import limits
from api.http.request_head import HeadTooLarge
from engine.errors import InterlockError

_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:\\.|[^"\\])*+"?)++')
_PARAMETER: Final = re.compile(r'(?:[^;"]|"(?:\\.|[^"\\])*+"?)++')
_MEDIA_RANGE: Final = re.compile(r"[\w!#$&^.+*-]+/[\w!#$&^.+*-]+", re.ASCII)
_QUALITY: Final = re.compile(r"0(\.\d{0,3})?|1(\.0{0,3})?", re.ASCII)
_SUPPORTED_PARAMETERS: Final = frozenset({("charset", "utf-8"), ("charset", "utf8")})
"""A media range with any other parameter matches no response of this server."""
_EXACT: Final = 2


class NotAcceptable(InterlockError):
    """The `Accept` header accepts none of the offered media types."""

    code = "not_acceptable"
    status = 406


@lru_cache(limits.ACCEPT_HEADERS)
def best_match(accept: str, offered: tuple[str, ...], default: str) -> str:
    """Return the offered media type that the client prefers.

    Args:
        accept: the whole header; empty if the request has none.
        offered: the first one wins if the client names several with the same quality.
        default: one of the offered types, for a client that only sends wildcards.

    Raises:
        NotAcceptable: the client accepts none of them.
        HeadTooLarge: the header is too long.

    """
    if len(accept) > limits.ACCEPT_CHARACTERS:
        bound = limits.ACCEPT_CHARACTERS
        text = f"The Accept header is longer than {bound:,} characters: send less."
        raise HeadTooLarge(text, limit="accept_characters", bound=bound)
    if not accept.strip():
        return default
    qualities = _parse(accept)
    preferences = {media_type: _preference(media_type, qualities) for media_type in offered}
    best = max(offered, key=preferences.__getitem__)
    quality, specificity = preferences[best]
    if not quality:
        raise NotAcceptable(offered=list(offered), accept=accept)
    is_tie = specificity < _EXACT and preferences[default] == preferences[best]
    return default if is_tie else best


def _parse(accept: str) -> dict[str, float]:
    """Return the quality of each media range; malformed elements are ignored."""
    qualities: dict[str, float] = {}
    for element in _ELEMENT.findall(accept):
        media_range, *rest = (part.strip().lower() for part in _PARAMETER.findall(element) or [""])
        pairs = (part.partition("=") for part in rest if part)
        parameters = [(name.strip(), value.strip().strip('"')) for name, _, value in pairs]
        quality = next((value for name, value in parameters if name == "q"), "1")
        others = {each for each in parameters if each[0] != "q"}
        if (
            _MEDIA_RANGE.fullmatch(media_range)
            and _QUALITY.fullmatch(quality)
            and others <= _SUPPORTED_PARAMETERS
        ):
            qualities.setdefault(media_range, float(quality))
    return qualities


def _preference(media_type: str, qualities: Mapping[str, float]) -> tuple[float, int]:
    """Return the quality that the most specific matching range gives, and its specificity."""
    family = f"{media_type.partition('/')[0]}/*"
    for specificity, media_range in ((_EXACT, media_type), (1, family), (0, "*/*")):
        if media_range in qualities:
            return qualities[media_range], specificity
    return 0, 0
