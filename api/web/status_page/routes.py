"""The routes of the status page. They need no sign-in, and set no cookie."""

from typing import Final, Protocol

from aiohttp import web

from api.http.access import ProtectedRoute, allow_anyone
from api.http.problem_details import ErrorRenderer
from api.web.status_page.feed import PATH as FEED_PATH
from api.web.status_page.rendering import StatusDocuments
from engine.errors import NotFound
from engine.outages.status_page import StatusContent

PAGE_PATH: Final = "/status"
BADGE_PATH: Final = "/status/badges/{slug}.svg"


class ContentSource(Protocol):
    """Where the routes get the content from."""

    @property
    def content(self) -> StatusContent:
        """The last content; raises NotFound if the page is off."""

    @property
    def is_stale(self) -> bool:
        """Whether the content is not current."""


def status_page_routes(
    source: ContentSource, render_error: ErrorRenderer | None = None
) -> list[ProtectedRoute]:
    """Return the routes; errors of the page itself can have a format of their own."""
    documents = StatusDocuments()

    async def show_page(request: web.Request) -> web.Response:
        return documents.page(source.content, is_stale=source.is_stale).respond(request)

    async def show_feed(request: web.Request) -> web.Response:
        return documents.feed(source.content, is_stale=source.is_stale).respond(request)

    async def show_badge(request: web.Request) -> web.Response:
        slug = request.match_info["slug"]
        badge = documents.badge(source.content, slug, is_stale=source.is_stale)
        if badge is None:
            raise NotFound("The status page has no such group.")
        return badge.respond(request)

    return [
        ProtectedRoute(allow_anyone, web.get(PAGE_PATH, show_page), render_error),
        ProtectedRoute(allow_anyone, web.get(FEED_PATH, show_feed)),
        ProtectedRoute(allow_anyone, web.get(BADGE_PATH, show_badge)),
    ]
