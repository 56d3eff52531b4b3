"""Keys of the values that requests and the application carry."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from aiohttp import web

from api.auth.api_keys import ApiKeys
from api.auth.tokens import TokenVerifier
from api.http.addresses import Network
from api.http.connections import Connections
from api.http.drain import Drain
from api.http.metrics import Metrics
from api.http.rate_limiter import RateLimiter, TokenBuckets
from engine.tickets.actor import Actor

ACTOR: Final = web.RequestKey("actor", Actor)
"""The authenticated user; missing on routes that do not require one."""

TOKEN: Final = web.RequestKey("token", str)
"""The token of that user."""

API_KEY: Final = web.RequestKey("api_key", str)
"""The name of the API key of the request, as in the log; missing on routes for users."""

VIEWER: Final = web.RequestKey("viewer", str)
"""The client that rate limits count: a user id, or the name of an API key."""

Buckets: TypeAlias = dict[TokenBuckets, str]
"""Token buckets, each with the client that sent the request."""

BUCKETS: Final[web.RequestKey[Buckets]] = web.RequestKey("buckets", dict)
"""The token buckets of the request; empty if no rate limit applies."""

REQUEST_ID: Final = web.RequestKey("request_id", str)
"""Identifies the request in the log and in the `X-Request-ID` header of the response."""

EXPECTS_CONTINUE: Final = web.RequestKey("expects_continue", bool)
"""Present if the client waits for `100 Continue` before it sends the body."""

TOKENS: Final = web.AppKey("tokens", TokenVerifier)
API_KEYS: Final = web.AppKey("api_keys", ApiKeys)
DRAIN: Final = web.AppKey("drain", Drain)
METRICS: Final = web.AppKey("metrics", Metrics)
CONNECTIONS: Final = web.AppKey("connections", Connections)
RATE_LIMITER: Final = web.AppKey("rate_limiter", RateLimiter)

TRUSTED_PROXIES: Final[web.AppKey[tuple[Network, ...]]] = web.AppKey("trusted_proxies")
"""The proxies whose `X-Forwarded-For` is trusted."""

REQUEST_SECONDS: Final = web.AppKey("request_seconds", float)
"""How long a request can take."""

TIME_LIMITS: Final[web.AppKey[Mapping[web.AbstractRoute, float]]] = web.AppKey("time_limits")
"""The time limits of routes in seconds; `REQUEST_SECONDS` is that of all other routes."""

Access: TypeAlias = Callable[[web.Request], Awaitable[None]]
"""Authorizes a request and stores who sent it, or raises an error."""

ACCESS: Final[web.AppKey[Mapping[web.AbstractRoute, Access]]] = web.AppKey("access")
"""The access rules of routes; all other routes require a user."""
