"""Pages of the web UI in a real browser, one window per user."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from playwright.async_api import Browser, ConsoleMessage, Page

from engine.tickets.actor import Actor
from tests.support.api_client import Client, bearer

_ID: Final = re.compile(r' id="([^"]*)"')
_REFUSED: Final = "Failed to load resource: the server responded with a status of 4"
"""The console line of Chromium for a refused form, which a page shows to its reader."""


@dataclass
class WebPages:
    """The windows of the users of one server.

    Attributes:
        complaints: what the browser reported: errors, violations of the policy, console lines.

    """

    browser: Browser
    client: Client
    complaints: list[str] = field(default_factory=list)

    def url(self, path: str) -> str:
        """Return the URL of a path."""
        return str(self.client.make_url(path))

    @asynccontextmanager
    async def window(
        self, actor: Actor | None, path: str, options: Mapping[str, Any] | None = None
    ) -> AsyncIterator[Page]:
        """Yield a window of a user that shows a page; without a user, no token is sent."""
        headers = bearer(actor) if actor else {}
        settings: dict[str, Any] = {"timezone_id": "Europe/Budapest", **(options or {})}
        context = await self.browser.new_context(extra_http_headers=headers, **settings)
        page = await context.new_page()
        page.on("console", self._note_message)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        try:
            await page.goto(self.url(path))
            yield page
            ids = Counter(_ID.findall(await page.content()))
            self.complaints += [f"The id {each} is not unique." for each in ids if ids[each] > 1]
        finally:
            await context.close()

    def _note_message(self, message: ConsoleMessage) -> None:
        if not message.text.startswith(_REFUSED):
            self.complaints.append(message.text)
