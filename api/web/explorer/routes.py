"""The explorer: a GraphQL editor at `GET /graphql`, and its files.

The page contains no data, so it needs no token; each of its requests does. It has the style and
the content security policy of all pages.
"""

from collections.abc import Awaitable, Callable
from importlib.resources import files
from typing import Final

from aiohttp import hdrs, web

from api.http.accept import NotAcceptable, best_match
from api.http.access import ProtectedRoute, allow_anyone
from api.http.cache import response_with_etag
from api.web.rendering import HTML, Renderer
from api.web.sessions import USER_SETTINGS
from engine.errors import NotFound
from engine.storage.web_sessions import WebSession

MEDIA_TYPES: Final = {".css": "text/css", ".js": "text/javascript"}
_TEMPLATE: Final = "explorer/page.html"
_FILE_PATH: Final = "/graphql/explorer/{name}"

FindSession = Callable[[web.Request], Awaitable[WebSession | None]]


class Explorer:
    """The page and its files, read once.

    Args:
        renderer: renders the page.
        find_session: returns the session of a browser, whose user has chosen a theme.

    """

    def __init__(self, renderer: Renderer, find_session: FindSession) -> None:
        self._renderer = renderer
        self._find_session = find_session
        folder = files("api.web.explorer")
        self._files = {
            each.name: each.read_bytes()
            for each in folder.iterdir()
            if suffix_of(each.name) in MEDIA_TYPES
        }

    def is_preferred(self, request: web.Request, others: tuple[str, ...]) -> bool:
        """Return whether a client prefers a page to the other media types."""
        if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            return False
        accept = ", ".join(request.headers.getall(hdrs.ACCEPT, []))
        try:
            return best_match(accept, (*others, HTML), default=others[-1]) == HTML
        except NotAcceptable:
            return False

    async def page(self, request: web.Request) -> web.Response:
        """Return the page, in the theme of the user if the browser has a session."""
        if session := await self._find_session(request):
            request[USER_SETTINGS] = session.settings
        return self._renderer.page(request, _TEMPLATE, None, {})

    async def file(self, request: web.Request) -> web.Response:
        """Return one of the files; NotFound if no file has that name."""
        name = request.match_info["name"]
        if name not in self._files:
            raise NotFound(f"The explorer has no file named {name!r}.", file=name)
        return response_with_etag(request, self._files[name], MEDIA_TYPES[suffix_of(name)])

    @property
    def route(self) -> ProtectedRoute:
        """The route of the files."""
        return ProtectedRoute(allow_anyone, web.get(_FILE_PATH, self.file))


def suffix_of(name: str) -> str:
    """Return the suffix of a file name, with its dot."""
    return name[name.rfind(".") :]
