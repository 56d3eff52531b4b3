"""Documents that are rendered once and sent to every reader."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final, Self

from aiohttp import hdrs, web

from api.http.compression import SMALL, accepts_gzip, compress

_CACHED_SECONDS: Final = 30
_STALE_CACHED_SECONDS: Final = 5
"""Caches ask again soon, because a current state can be back at any time."""
_KEPT_SECONDS: Final = 86_400
"""How long caches can serve a document if no server answers."""


@dataclass(frozen=True, slots=True)
class SharedDocument:
    """A document with everything that its response needs.

    Attributes:
        etag: names the content, so that readers who have it get only a confirmation.
        gzipped: the body, compressed.
        headers: of the response, without those about the encoding.

    """

    body: bytes
    gzipped: bytes
    etag: str
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, body: str, content_type: str, *, is_stale: bool, policy: str | None = None) -> Self:
        """Return the document with a text.

        Args:
            body: the text.
            content_type: its media type.
            is_stale: whether the text says that its state is not current.
            policy: the content security policy; None for that of all responses.

        """
        encoded = body.encode()
        seconds = _STALE_CACHED_SECONDS if is_stale else _CACHED_SECONDS
        headers = {
            hdrs.CACHE_CONTROL: f"public, max-age={seconds}, stale-if-error={_KEPT_SECONDS}",
            hdrs.VARY: hdrs.ACCEPT_ENCODING,
            "Cross-Origin-Resource-Policy": "cross-origin",
        }
        if policy is not None:
            headers["Content-Security-Policy"] = policy
        etag = sha256(encoded).hexdigest()[:32]
        return cls(encoded, compress(encoded, SMALL), etag, content_type, headers)

    def respond(self, request: web.Request) -> web.Response:
        """Return the response for one reader, compressed if they accept that."""
        known = {each.value for each in request.if_none_match or ()}
        if known & {self.etag, "*"}:
            response = web.Response(status=web.HTTPNotModified.status_code, headers=self.headers)
        elif accepts_gzip(request):
            response = web.Response(
                body=self.gzipped, content_type=self.content_type, headers=self.headers
            )
            response.headers[hdrs.CONTENT_ENCODING] = "gzip"
        else:
            response = web.Response(
                body=self.body, content_type=self.content_type, headers=self.headers
            )
        if response.body:
            response.charset = "utf-8"
        response.etag = self.etag
        return response
