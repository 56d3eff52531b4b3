"""What operators wrote, made safe to show: it can neither act nor hide. Pure."""

import re
from typing import Final

SPAN: Final = re.compile(r"[^`|: ](?:[^`|:]|:(?! ))*(?<![ :])")
"""What may stand between backticks wherever Markdown is read, in a table as well. No colon before
a space is among it, so that no value can pass for one of the report's own sentences."""
PUNCTUATION: Final = re.compile(r"[!-/:-@\[-`{-~]")
ACTIVE: Final = re.compile(r"[\\`*\[\]<|~&#!$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""Signs that mean something in a sentence; within a word `_` does not."""
UNMENTIONED: Final = "@&#8203;"
"""An @ after which there is no name: GitHub looks for mentions when Markdown is HTML already."""


def visible(text: str) -> str:
    r"""Return a text with everything that is no visible character or space as an escape.

    That is control characters (escape sequences of terminals begin with one), marks that turn the
    direction of writing, line breaks of every kind, and what no font has: `\x1b`, `\u202e`, `\n`.
    """
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else escaped(each) for each in text)


def escaped(character: str) -> str:
    """Return the escape of a character."""
    return character.encode("unicode_escape").decode()


def code(text: str) -> str:
    """Return a text as Markdown that shows it as code and reads nothing into it.

    Neither mentions nor references are looked for in code. What a span of backticks can't hold
    everywhere stands in an HTML element, every sign in it a character reference.
    """
    shown = visible(text)
    return f"`{shown}`" if SPAN.fullmatch(shown) else html_code(shown)


def html_code(text: str) -> str:
    """Return a text as HTML that shows it as code, where no Markdown is read."""
    return f"<code>{PUNCTUATION.sub(reference, visible(text))}</code>"


def reference(found: re.Match[str]) -> str:
    """Return the character reference of a sign."""
    return f"&#{ord(found[0])};"


def prose(text: str) -> str:
    """Return a sentence as Markdown that shows it as it is."""
    return ACTIVE.sub(reference, visible(text)).replace("@", UNMENTIONED)
