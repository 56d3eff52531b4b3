"""Escapes declared texts, so that they are shown as they are and cannot act. Pure."""

import re
from typing import Final

_CODE_SPAN: Final = re.compile(r"[^`|: ](?:[^`|:]|:(?! ))*(?<![ :])")
"""Text that all Markdown readers accept between backticks, also in a table. A colon before a space
is excluded, so that no value looks like a sentence of the report."""
_PUNCTUATION: Final = re.compile(r"[!-/:-@\[-`{-~]")
_MARKUP: Final = re.compile(r"[\\`*\[\]<|~&#!$]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])")
"""Characters with a meaning in Markdown; `_` has none within a word."""
_LINKED: Final = re.compile(r"@|www(?=\.)", re.IGNORECASE)
"""Where GitHub and GitLab recognize a mention or a link without markup."""
_ZERO_WIDTH_SPACE: Final = "&#8203;"
"""Ends what could be a mention or a link: some readers look for them in the rendered HTML."""


def visible(text: str) -> str:
    r"""Return a text with an escape for each character that is neither printable nor a space.

    These are control characters, which start the escape sequences of terminals, marks that change
    the direction of writing, all line breaks, and unassigned characters: `\x1b`, `\u202e`, `\n`.
    """
    if text.isprintable():
        return text
    return "".join(
        each if each.isprintable() else each.encode("unicode_escape").decode() for each in text
    )


def visible_lines(text: str) -> str:
    """Return a text of several lines with escapes as `visible` does, except for the line breaks."""
    return "\n".join(map(visible, text.split("\n")))


def code(text: str) -> str:
    """Return a text as Markdown code, in which no markup, mention or reference is recognized.

    Text that does not fit in a backtick span is an HTML element with character references.
    """
    shown = visible(text)
    return f"`{shown}`" if _CODE_SPAN.fullmatch(shown) else html_code(shown)


def html_code(text: str) -> str:
    """Return a text as HTML code, for places where Markdown is not recognized."""
    return f"<code>{_PUNCTUATION.sub(_character_reference, visible(text))}</code>"


def prose(text: str) -> str:
    """Return a sentence as Markdown that shows it as it is."""
    shown = _MARKUP.sub(_character_reference, visible(text))
    return _LINKED.sub(rf"\g<0>{_ZERO_WIDTH_SPACE}", shown)


def _character_reference(match: re.Match[str]) -> str:
    return f"&#{ord(match[0])};"
