"""Characters that a reader cannot see at the edge of a key or a name."""

import unicodedata
from typing import Final

_INVISIBLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
"""Control and format characters, and all kinds of spaces (Unicode general categories)."""


def strip_invisible(text: str) -> str:
    """Return a text without the invisible characters at its edges."""
    start, end = 0, len(text)
    while start < end and _is_invisible(text[start]):
        start += 1
    while start < end and _is_invisible(text[end - 1]):
        end -= 1
    return text[start:end]


def describe_invisible(text: str) -> str:
    """Return the first invisible character at an edge of a text: `U+00A0 (NO-BREAK SPACE)`."""
    character = text[0] if _is_invisible(text[0]) else text[-1]
    name = unicodedata.name(character, "control character")
    return f"U+{ord(character):04X} ({name})"


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE_CATEGORIES
