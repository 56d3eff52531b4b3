"""Compression of responses with gzip, for clients that accept it."""

import gzip
from typing import Final

from aiohttp import hdrs, web

_GZIP: Final = "gzip"
_BYTES_MIN: Final = 1_000
"""A shorter body does not get noticeably shorter."""
FAST: Final = 3
"""The level for a body that is compressed for each request."""
SMALL: Final = 9
"""The level for a file that is compressed once."""


def accepts_gzip(request: web.Request) -> bool:
    """Return whether the client accepts gzip (RFC 9110, section 12.5.3)."""
    for accepted in ",".join(request.headers.getall(hdrs.ACCEPT_ENCODING, [])).split(","):
        coding, _, weight = accepted.replace(" ", "").lower().partition(";q=")
        if coding == _GZIP:
            return not weight or weight.strip("0.") != ""
    return False


def compress(body: bytes, level: int) -> bytes:
    """Return a compressed body; the same body always gives the same bytes."""
    return gzip.compress(body, level, mtime=0)


def compress_response(request: web.Request, response: web.Response) -> None:
    """Compress the body of a response if the client accepts that.

    The response must not contain a secret next to text that another user chooses: its length
    would reveal whether a guess is right.
    """
    body = response.body
    if isinstance(body, bytes) and len(body) >= _BYTES_MIN and accepts_gzip(request):
        response.body = compress(body, FAST)
        response.headers[hdrs.CONTENT_ENCODING] = _GZIP
