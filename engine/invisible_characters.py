"""Characters that a reader cannot see: at the edges of a name, as all of a text, or in any place.

The characters that change the direction of writing let a text look like another one.
"""

import re
import unicodedata
from typing import Final

_INVISIBLE_CATEGORIES: Final = frozenset({"Cc", "Cf", "Zl", "Zp", "Zs"})
"""Control and format characters, and all kinds of spaces (Unicode general categories)."""
BIDIRECTIONAL_CONTROLS: Final = r"\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
"""The characters with the Unicode property Bidi_Control, for a character class."""
IGNORABLE: Final = (
    r"\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    r"\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
)
"""The characters with the property Default_Ignorable_Code_Point, and others that are shown blank.

Among them are those that only modify a visible character, such as variation selectors.
"""
_VISIBLE: Final = re.compile(rf"[^\s\x00-\x1f\x7f-\x9f{IGNORABLE}]")
_BIDIRECTIONAL_CONTROL: Final = re.compile(f"[{BIDIRECTIONAL_CONTROLS}]")


def has_visible_character(text: str) -> bool:
    """Return whether a reader can see anything of a text."""
    return _VISIBLE.search(text) is not None


def find_bidirectional_control(text: str) -> int | None:
    """Return the index of the first character that changes the direction of writing, if any."""
    if text.isascii():
        return None
    found = _BIDIRECTIONAL_CONTROL.search(text)
    return None if found is None else found.start()


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
    return describe_character(text[0] if _is_invisible(text[0]) else text[-1])


def describe_character(character: str) -> str:
    """Return the number and the name of a character: `U+00A0 (NO-BREAK SPACE)`."""
    name = unicodedata.name(character, "control character")
    return f"U+{ord(character):04X} ({name})"


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE_CATEGORIES
