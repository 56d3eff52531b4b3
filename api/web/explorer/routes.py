"""The explorer: a page for people at `GET /graphql`, and the files that it is made of.

The page holds nothing, so nobody needs a token to see it; every request that it makes does. It
loads nothing from elsewhere and sends nothing anywhere else, and its policy lets it do no other.
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
        """Return one of the files; NotFound if there is none of that name."""
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
    """Return what the name of a file ends with, from its last dot on."""
    return name[name.rfind(".") :]


def wants_page(request: web.Request, others: tuple[str, ...]) -> bool:
    """Tell whether a client would see a page rather than one of the other media types."""
    if request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
        return False
    accept = ", ".join(request.headers.getall(hdrs.ACCEPT, []))
    try:
        return best_match(accept, (*others, HTML), default=others[-1]) == HTML
    except NotAcceptable:
        return False
