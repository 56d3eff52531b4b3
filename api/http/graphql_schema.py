"""`GET /graphql/schema.graphql`: the schema as text, for tools that read it from a file."""

from hashlib import sha256
from typing import Final

from aiohttp import hdrs, web

SCHEMA_PATH: Final = "/graphql/schema.graphql"
REVALIDATED: Final = "private, no-cache"
"""Kept by whoever asked, and asked about again each time."""


def schema_route(text: str) -> web.RouteDef:
    """Return the route of a schema's text, for signed-in people as introspection is."""
    tag = sha256(text.encode()).hexdigest()

    async def answer(request: web.Request) -> web.Response:
        known = {each.value for each in request.if_none_match or ()}
        if known & {tag, "*"}:
            response = web.Response(status=web.HTTPNotModified.status_code)
        else:
            response = web.Response(text=text)
        response.etag = tag
        response.headers[hdrs.CACHE_CONTROL] = REVALIDATED
        return response

    return web.get(SCHEMA_PATH, answer)
