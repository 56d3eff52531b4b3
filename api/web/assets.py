"""The static files of pages. Each path contains a digest of the file, so clients keep files."""

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from aiohttp import hdrs, web

from api.http.access import ProtectedRoute, allow_anyone
from api.http.compression import SMALL, accepts_gzip, compress
from api.web.package_files import read_package_file
from engine.errors import NotFound
from engine.workflows.svg import STYLE

_PATH: Final = "/static/{digest}/{name}"
_DIGEST_CHARACTERS: Final = 16
_FOREVER: Final = "public, max-age=31536000, immutable"
_MEDIA_TYPES: Final = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

_GRAPH_STYLE: Final = f"@layer graph {{{STYLE}}}".encode()
HTMX: Final = ("vendor/htmx.min.js", "vendor/hx-sse.min.js", "vendor/hx-csp.min.js")
"""Extensions register with the core, so they follow it."""
MODULES: Final = (
    "static/keyboard.js",
    "static/drafts.js",
    "static/time.js",
    "static/paste.js",
    "static/copy.js",
    "static/notice.js",
    "static/combobox.js",
    "static/selection.js",
    "static/live.js",
    "static/failures.js",
)


@dataclass(frozen=True, slots=True)
class _Asset:
    content: bytes
    compressed: bytes
    content_type: str
    path: str


class Assets:
    """The stylesheet, the two scripts and the icon of all pages, read once.

    Raises:
        Misconfigured: a file of another project is missing.

    """

    def __init__(self) -> None:
        sources: dict[str, tuple[str | bytes, ...]] = {
            "htmx.js": HTMX,
            "interlock.js": MODULES,
            "interlock.css": ("static/interlock.css", _GRAPH_STYLE),
            "icon.svg": ("static/icon.svg",),
        }
        self._assets = dict(_asset(name, parts) for name, parts in sources.items())

    def path(self, name: str) -> str:
        """Return the path of a file."""
        return self._assets[name].path

    async def answer(self, request: web.Request) -> web.Response:
        """Return a file; NotFound if no file has that path."""
        asset = self._assets.get(request.match_info["name"])
        if asset is None or asset.path != request.rel_url.path:
            raise NotFound("There is no such file.")
        headers = {hdrs.CACHE_CONTROL: _FOREVER, hdrs.VARY: hdrs.ACCEPT_ENCODING}
        is_compressed = accepts_gzip(request)
        if is_compressed:
            headers[hdrs.CONTENT_ENCODING] = "gzip"
        return web.Response(
            body=asset.compressed if is_compressed else asset.content,
            content_type=asset.content_type,
            charset="utf-8",
            headers=headers,
        )

    @property
    def route(self) -> ProtectedRoute:
        """The route of the files, which contain no data."""
        return ProtectedRoute(allow_anyone, web.get(_PATH, self.answer))


def _asset(name: str, parts: Iterable[str | bytes]) -> tuple[str, _Asset]:
    content = b"\n".join(
        part if isinstance(part, bytes) else read_package_file(part) for part in parts
    )
    digest = sha256(content).hexdigest()[:_DIGEST_CHARACTERS]
    media_type = _MEDIA_TYPES[name.rpartition(".")[2]]
    path = _PATH.format(digest=digest, name=name)
    return name, _Asset(content, compress(content, SMALL), media_type, path)
