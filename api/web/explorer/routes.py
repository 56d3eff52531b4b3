"""The explorer: a GraphQL editor at `GET /graphql`, and its files.

The page contains no data, so it needs no token; each of its requests does. Its content security
policy restricts it to this server.
"""

from importlib.resources import files
from typing import Final

from aiohttp import hdrs, web

from api.http.accept import NotAcceptable, best_match
from api.http.access import ProtectedRoute, allow_anyone
from api.http.cache import response_with_etag
from engine.errors import NotFound

HTML: Final = "text/html"
MEDIA_TYPES: Final = {
    ".html": HTML,
    ".css": "text/css",
    ".js": "text/javascript",
    ".svg": "image/svg+xml",
}
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
PAGE: Final = "index.html"
FILE_PATH: Final = "/graphql/explorer/{name}"


class Explorer:
    """The page and its files, read once."""

    def __init__(self) -> None:
        folder = files("api.web.explorer")
        self._files = {
            each.name: each.read_bytes()
            for each in folder.iterdir()
            if suffix_of(each.name) in MEDIA_TYPES
        }

    def page(self, request: web.Request, others: tuple[str, ...]) -> web.Response | None:
        """Return the page for a client that prefers HTML to the other media types."""
        return self._answer(request, PAGE) if wants_page(request, others) else None

    async def file(self, request: web.Request) -> web.Response:
        """Return one of the files; NotFound if no file has that name."""
        name = request.match_info["name"]
        if name not in self._files:
            raise NotFound(f"The explorer has no file named {name!r}.", file=name)
        return self._answer(request, name)

    def _answer(self, request: web.Request, name: str) -> web.Response:
        response = response_with_etag(request, self._files[name], MEDIA_TYPES[suffix_of(name)])
        response.headers["Content-Security-Policy"] = POLICY
        return response

    @property
    def route(self) -> ProtectedRoute:
        """The route of the files."""
        return ProtectedRoute(allow_anyone, web.get(FILE_PATH, self.file))


def suffix_of(name: str) -> str:
    """Return the suffix of a file name, with its dot."""
    return name[name.rfind(".") :]


def wants_page(request: web.Request, others: tuple[str, ...]) -> bool:
    """Return whether a client prefers a page to the other media types."""
    if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
        return False
    accept = ", ".join(request.headers.getall(hdrs.ACCEPT, []))
    try:
        return best_match(accept, (*others, HTML), default=others[-1]) == HTML
    except NotAcceptable:
        return False
