"""What a handler finds in the request, and a middleware in the application."""

from collections.abc import Set as AbstractSet
from typing import Final

from aiohttp import web

from api.http.metrics import Metrics
from api.identity import Tokens
from engine.tickets.actor import Actor

ACTOR: Final = web.RequestKey("actor", Actor)
"""Who asks. Every request has one, save those to public routes."""

REQUEST_ID: Final = web.RequestKey("request_id", str)
"""Names the request in the log and in the `X-Request-ID` of its answer."""

TOKENS: Final = web.AppKey("tokens", Tokens)
METRICS: Final = web.AppKey("metrics", Metrics)
PUBLIC_ROUTES: Final[web.AppKey[AbstractSet[web.AbstractRoute]]] = web.AppKey("public_routes")
"""The routes that answer without a token."""
