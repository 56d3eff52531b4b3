"""Texts that change with a release only: kept by whoever asked, and asked about again each time."""

from hashlib import sha256
from typing import Final

from aiohttp import hdrs, web

REVALIDATED: Final = "private, no-cache"
NOT_MODIFIED: Final = web.HTTPNotModified.status_code


def revalidated(request: web.Request, body: bytes, content_type: str) -> web.Response:
    """Return the answer that sends a text, unless the client knows it (RFC 9110, 13.1.2)."""
    tag = sha256(body).hexdigest()
    known = {each.value for each in request.if_none_match or ()}
    if known & {tag, "*"}:
        response = web.Response(status=NOT_MODIFIED)
    else:
        response = web.Response(body=body, content_type=content_type, charset="utf-8")
    response.etag = tag
    response.headers[hdrs.CACHE_CONTROL] = REVALIDATED
    return response
