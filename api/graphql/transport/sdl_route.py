"""`GET /graphql/schema.graphql`: the schema as text, for tools that read it from a file."""

from typing import Final

from aiohttp import web

from api.http.cache import response_with_etag

SCHEMA_PATH: Final = "/graphql/schema.graphql"


def schema_route(text: str) -> web.RouteDef:
    """Return the route of a schema's text. Like introspection, it requires a token."""
    body = text.encode()

    async def answer(request: web.Request) -> web.Response:
        return response_with_etag(request, body, "text/plain")

    return web.get(SCHEMA_PATH, answer)
