"""Responses that clients can keep, and revalidate on each use."""

from hashlib import sha256
from typing import Final

from aiohttp import hdrs, web

REVALIDATE: Final = "private, no-cache"


def response_with_etag(request: web.Request, body: bytes, content_type: str) -> web.Response:
    """Return a response with a body, or 304 if the client has it already (RFC 9110, 13.1.2)."""
    etag = sha256(body).hexdigest()
    cached = {each.value for each in request.if_none_match or ()}
    if cached & {etag, "*"}:
        response = web.Response(status=web.HTTPNotModified.status_code)
    else:
        response = web.Response(body=body, content_type=content_type, charset="utf-8")
    response.etag = etag
    response.headers[hdrs.CACHE_CONTROL] = REVALIDATE
    return response
