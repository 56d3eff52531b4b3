"""Texts that attack pages: each would run a script, load a file or fake markup if one slipped.

The scripts open a dialog, which a test notices. Sources: the OWASP cheat sheet about filter
evasion, the cheat sheet of PortSwigger, and the syntaxes of Jinja, htmx, Markdown and spreadsheets.
"""

from html.parser import HTMLParser
from typing import Final
from urllib.parse import urlsplit

_ENDS: Final = (
    '"><script>alert(1)</script>',
    "'><script>alert(1)</script>",
    '" autofocus onfocus="alert(1)',
    "' autofocus onfocus='alert(1)",
    "</title><script>alert(1)</script>",
    "</textarea><script>alert(1)</script>",
    "</option></select><script>alert(1)</script>",
    "</text></svg><script>alert(1)</script>",
    "]]></style><script>alert(1)</script>",
)
"""These end the element or the attribute in which a text is."""
LINES: Final = (
    # elements
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<img src=//evil.example/x.png>",
    "<svg/onload=alert(1)>",
    "<svg><use href='//evil.example/x.svg#x'/></svg>",
    "<iframe src=//evil.example srcdoc='<script>alert(1)</script>'>",
    "<input autofocus onfocus=alert(1)>",
    "<style>@import '//evil.example/x.css'</style>",
    "<base href=//evil.example>",
    "<meta http-equiv=refresh content='0;url=//evil.example'>",
    "<form action=//evil.example><button>x",
    "<button hx-get=/tickets hx-trigger=load>x</button>",
    "<!--><img src=x onerror=alert(1)-->",
    "<a href='javascript:alert(1)'>x</a>",
    *_ENDS,
    # entities and other spellings
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "%3Cscript%3Ealert(1)%3C/script%3E",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e",
    "<scr\u00adipt>alert(1)</scr\u00adipt>",
    # other languages
    "{{ 7 * 7 }}{% print config %}${7*7}<%= 7*7 %>",
    "javascript:alert(1)",
    "[x](javascript:alert(1))",
    "[x](&#106;avascript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==)",
    "![x](//evil.example/x.png)",
    '![x](x"onerror="alert(1))',
    '=HYPERLINK("//evil.example")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
)
"""In one line of at most 67 characters."""
VALUES: Final = (
    "\"'></title></textarea></select></svg><script>alert(1)</script>",
    '" autofocus onfocus="alert(1)',
    "' autofocus onfocus='alert(1)",
    "javascript:alert(1)//evil.example",
)
"""For a field of a form or of a URL: few, because a page handles all texts of a field alike."""
BLOCKS: Final = (
    "[x](JaVaScRiPt:alert(1))",
    "[x](java\tscript:alert(1))",
    "[x](vbscript:msgbox(1))",
    "![x](javascript:alert(1))",
    "[x]: javascript:alert(1)\n\n[x]",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "```\n</code></pre><script>alert(1)</script>\n```",
    "\u202e<script>alert(1)</script>",
)
"""Of Markdown."""

_TRUSTED: Final = frozenset({"nonce", "src", "defer"})
_PROTOCOLS: Final = frozenset({"", "http", "https", "mailto"})
_FOREIGN: Final = frozenset({"base", "embed", "frame", "iframe", "img", "object", "style"})


class _Markup(HTMLParser):
    """Collects what no page of ours contains, unless a text became markup."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _FOREIGN or given.get("http-equiv") or any(name[:2] == "on" for name in given):
            self.found.append(f"{tag} {given}")
        if tag == "script" and given.keys() != _TRUSTED:
            self.found.append(f"{tag} {given}")
        if any(name.startswith("hx-") for name in given) and not given.get("hx-nonce"):
            self.found.append(f"{tag} {given}")
        for name in given.keys() & {"href", "src", "action", "formaction", "hx-get", "hx-post"}:
            url = urlsplit(given[name])
            is_own = not url.netloc and not url.scheme
            if not is_own and (tag != "a" or url.scheme not in _PROTOCOLS):
                self.found.append(f"{tag} {given}")


def injected_markup(html: str) -> list[str]:
    """Return the elements of a page that only a text of a user can have put there."""
    return _Markup(html).found
