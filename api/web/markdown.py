"""Markdown of users, as safe HTML.

Two independent barriers: the parser treats HTML as text, and the sanitizer allows only a list of
elements. No element loads anything from another server.
"""

from functools import lru_cache
from typing import Final

import nh3
from markdown_it import MarkdownIt
from markupsafe import Markup

_CACHED_TEXTS: Final = 1_000
_PARSER: Final = (
    MarkdownIt("commonmark", {"html": False, "linkify": True, "breaks": True})
    .enable(["linkify", "strikethrough", "table"])
    .disable("image")
)
_ATTRIBUTES: Final = {"a": {"href"}, "ol": {"start"}}
_ELEMENTS: Final = {
    *("a", "blockquote", "br", "code", "del", "em", "hr", "li", "ol", "p", "pre", "s", "strong"),
    *("table", "tbody", "td", "th", "thead", "tr", "ul"),
    *("h1", "h2", "h3", "h4", "h5", "h6"),
}
_SCHEMES: Final = {"http", "https", "mailto"}


@lru_cache(_CACHED_TEXTS)
def render_markdown(text: str) -> Markup:
    """Return text in Markdown as HTML that can be put into a page."""
    cleaned = nh3.clean(
        _PARSER.render(text),
        tags=_ELEMENTS,
        attributes=_ATTRIBUTES,
        url_schemes=_SCHEMES,
        link_rel="noopener noreferrer nofollow",
    )
    return Markup(cleaned)  # noqa: S704  # sanitized
