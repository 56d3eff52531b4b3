"""Markdown of users becomes HTML that contains neither scripts nor anything from other servers."""

from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.web.markdown import render_markdown

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


ATTACKS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    "<svg><script>alert&#40;1&#41;</script>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "[x](vbscript:msgbox(1))",
    "![x](javascript:alert(1))",
    '![x](x"onerror="alert(1))',
    "<javascript:alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "[x]: javascript:alert(1)\n\n[x]",
    "<iframe src=//evil.example></iframe>",
    "<style>@import '//evil.example/x.css'</style>",
    "<form action=//evil.example><button>x",
    "<button hx-get=/tickets hx-trigger=load>x</button>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "<!--><img src=x onerror=alert(1)-->",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
)
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
        assert href.partition(":")[0] in {"http", "https", "mailto"} or ":" not in href


@pytest.mark.parametrize("attack", ATTACKS)
def test_attacks_do_nothing(attack: str) -> None:
    check_is_harmless(render_markdown(attack))


@given(st.lists(st.sampled_from([*ATTACKS, "*", "[", "](", ")", "`", "\n", "> ", "| a |\n"])))
def test_combined_attacks_do_nothing(parts: list[str]) -> None:
    check_is_harmless(render_markdown("".join(parts)))
