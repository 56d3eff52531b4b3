"""Markdown of users becomes HTML that contains neither scripts nor anything from other servers."""

from html.parser import HTMLParser
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.markdown import render_markdown
from tests.support.attacks import BLOCKS, LINES

RENDERED = {
    "**bold** and *soft*": "<p><strong>bold</strong> and <em>soft</em></p>\n",
    "one\ntwo": "<p>one<br>\ntwo</p>\n",
    "https://wiki.example.net/a?x=1": (
        '<p><a href="https://wiki.example.net/a?x=1" rel="noopener noreferrer nofollow">'
        "https://wiki.example.net/a?x=1</a></p>\n"
    ),
    "1 < 2 & 3": "<p>1 &lt; 2 &amp; 3</p>\n",
    "<b>not bold</b>": "<p>&lt;b&gt;not bold&lt;/b&gt;</p>\n",
    "`<script>`": "<p><code>&lt;script&gt;</code></p>\n",
    "![logo](https://example.com/x.png)": (
        '<p>!<a href="https://example.com/x.png" rel="noopener noreferrer nofollow">logo</a></p>\n'
    ),
}


@pytest.mark.parametrize(("text", "html"), RENDERED.items())
def test_markdown_is_rendered(text: str, html: str) -> None:
    assert render_markdown(text) == html


ATTACKS = (*LINES, *BLOCKS)
ELEMENTS = frozenset(
    {
        *(
            "a",
            "blockquote",
            "br",
            "code",
            "del",
            "em",
            "hr",
            "li",
            "ol",
            "p",
            "pre",
            "s",
            "strong",
        ),
        *("table", "tbody", "td", "th", "thead", "tr", "ul"),
        *("h1", "h2", "h3", "h4", "h5", "h6"),
    }
)


class _Elements(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def check_is_harmless(html: str) -> None:
    for tag, attributes in _Elements(html).found:
        assert tag in ELEMENTS
        assert attributes.keys() <= {"href", "rel", "start"}
        href = attributes.get("href") or ""
        assert urlsplit(href).scheme in {"", "http", "https", "mailto"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_do_nothing(attack: str) -> None:
    check_is_harmless(render_markdown(attack))


@given(st.lists(st.sampled_from([*ATTACKS, "*", "[", "](", ")", "`", "\n", "> ", "| a |\n"])))
def test_combined_attacks_do_nothing(parts: list[str]) -> None:
    check_is_harmless(render_markdown("".join(parts)))
