"""Renders the documents of the status page, each once for all readers."""

import re
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Final, TypeAlias

from jinja2 import Template
from markupsafe import Markup

from api.http.shared_document import SharedDocument
from api.timestamps import format_timestamp
from api.web.formats import Formats, duration
from api.web.status_page import wording
from api.web.status_page.badge import SVG, render_badge
from api.web.status_page.feed import ATOM, PATH, render_feed
from api.web.template_environment import template_environment
from engine.outages.maintenance import WindowState
from engine.outages.status_page import StatusContent
from engine.webhook_urls import parse_webhook_url

_HTML: Final = "text/html"
_STYLE: Final = re.compile(r"<style>(.*?)</style>", re.DOTALL)
_SCRIPT: Final = files("api.web.status_page").joinpath("local_times.js").read_text("utf-8")
_RESOLVED_SHOWN: Final = 10
"""How many resolved incidents are on the page, which stays small; the feed has all of them."""
_POLICY: Final = (
    "default-src 'none'; style-src '{style}'; script-src '{script}'; img-src 'self'{logo};"
    " base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)

Render: TypeAlias = Callable[[], SharedDocument]
_Shown: TypeAlias = tuple[StatusContent, bool]
"""A content, and whether it is stale."""


@cache
def _page_template() -> Template:
    environment = template_environment("api.web.status_page")
    environment.globals |= {
        "bars": wording.bars,
        "bar_height": wording.BAR_HEIGHT,
        "budget": wording.budget,
        "clock": wording.clock,
        "day_words": wording.day_words,
        "duration": duration,
        "feed_path": PATH,
        "icons": wording.ICONS,
        "machine": format_timestamp,
        "notable": wording.notable,
        "percent": wording.percent,
        "resolved_shown": _RESOLVED_SHOWN,
        "measured_time": wording.measured_time,
        "script": Markup(_SCRIPT),  # noqa: S704  # our own file, not markup of readers
        "summary": wording.summary,
        "timestamp": Formats().timestamp,
        "words": wording.WORDS,
    }
    return environment.get_template("page.html")


@dataclass
class StatusDocuments:
    """The documents of the content that was rendered last.

    The time of the content counts to the minute, so a document is rendered again only if what it
    shows changes, or once a minute.
    """

    _rendered: dict[str, SharedDocument] = field(default_factory=dict)
    _of: _Shown | None = None
    _key: _Shown | None = None

    def page(self, content: StatusContent, *, is_stale: bool) -> SharedDocument:
        """Return the page."""
        return self._once(
            (content, is_stale), "page", lambda: self._render_page(content, is_stale=is_stale)
        )

    def feed(self, content: StatusContent, *, is_stale: bool) -> SharedDocument:
        """Return the Atom feed."""
        return self._once(
            (content, is_stale),
            "feed",
            lambda: SharedDocument.of(render_feed(content), ATOM, is_stale=is_stale),
        )

    def badge(self, content: StatusContent, slug: str, *, is_stale: bool) -> SharedDocument | None:
        """Return the badge of a group; None if no group has the slug."""
        group = next((each for each in content.groups if each.slug == slug), None)
        if group is None:
            return None
        return self._once(
            (content, is_stale),
            f"badge {slug}",
            lambda: SharedDocument.of(render_badge(group), SVG, is_stale=is_stale),
        )

    def _once(self, shown: _Shown, name: str, render: Render) -> SharedDocument:
        content, is_stale = shown
        is_same = self._of is not None and self._of[0] is content and self._of[1] == is_stale
        if not is_same:  # comparing whole contents for each reader would take too long
            key = replace(content, as_of=_to_minute(content.as_of)), is_stale
            if self._key != key:
                self._rendered, self._key = {}, key
            self._of = shown
        if name not in self._rendered:
            self._rendered[name] = render()
        return self._rendered[name]

    def _render_page(self, content: StatusContent, *, is_stale: bool) -> SharedDocument:
        html = _page_template().render(
            content=content,
            is_stale=is_stale,
            open=[each for each in content.incidents if each.resolved_at is None],
            resolved=[each for each in content.incidents if each.resolved_at is not None],
            active=[each for each in content.windows if each.state is WindowState.ACTIVE],
            upcoming=[each for each in content.windows if each.state is WindowState.UPCOMING],
        )
        style = _STYLE.search(html)
        logo = f" {parse_webhook_url(content.logo_url)}" if content.logo_url else ""
        return SharedDocument.of(
            html,
            _HTML,
            is_stale=is_stale,
            policy=_POLICY.format(
                style=_source_hash(style[1] if style else ""),
                script=_source_hash(_SCRIPT),
                logo=logo,
            ),
        )


def _source_hash(text: str) -> str:
    """Return the source of an inline text for a content security policy."""
    return f"sha256-{b64encode(sha256(text.encode()).digest()).decode()}"


def _to_minute(at: datetime) -> datetime:
    return at.replace(second=0, microsecond=0)
