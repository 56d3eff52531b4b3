"""What a handler finds in the request, and a middleware in the application."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from aiohttp import web

from api.auth import Tokens
from api.auth.api_keys import ApiKeys
from api.http.metrics import Metrics
from api.http.rate_limiter import Buckets, Quota, RateLimiter
from api.settings import Network
from engine.tickets.actor import Actor

ACTOR: Final = web.RequestKey("actor", Actor)
"""The person who asks. Every request has one, save those to routes with another entrance."""

TOKEN: Final = web.RequestKey("token", str)
"""By which that person was let in."""

VIEWER: Final = web.RequestKey("viewer", str)
"""Whose share of the server a request takes: a person's or a machine's."""

Quotas: TypeAlias = dict[str, tuple[Buckets, Quota]]
"""What is left to a client, by the names of the buckets."""

QUOTAS: Final[web.RequestKey[Quotas]] = web.RequestKey("shares", dict)
"""What is left of that share; nothing where there is no limit."""

REQUEST_ID: Final = web.RequestKey("request_id", str)
"""Names the request in the log and in the `X-Request-ID` of its answer."""

TOKENS: Final = web.AppKey("tokens", Tokens)
API_KEYS: Final = web.AppKey("api_keys", ApiKeys)
METRICS: Final = web.AppKey("metrics", Metrics)
RATE_LIMITER: Final = web.AppKey("throttle", RateLimiter)

TRUSTED_PROXIES: Final[web.AppKey[tuple[Network, ...]]] = web.AppKey("trusted_proxies")
"""Whose word on the address of a client is taken."""

Access: TypeAlias = Callable[[web.Request], Awaitable[None]]
"""Lets a request in and tells handler and log who asks, or raises why it does not."""

ACCESS: Final[web.AppKey[Mapping[web.AbstractRoute, Access]]] = web.AppKey("entrances")
"""Who may enter by each route that does not take signed-in people only."""
