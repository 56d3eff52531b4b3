"""The one application that all HTTP doors are routes of."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from prometheus_client.registry import Collector

from api.auth import Tokens
from api.auth.api_keys import NO_KEYS, ApiKeys
from api.http.access import add_routes
from api.http.app_keys import API_KEYS, METRICS, RATE_LIMITER, TOKENS, TRUSTED_PROXIES
from api.http.metrics import Metrics
from api.http.middlewares import MIDDLEWARES, complete
from api.http.rate_limiter import RateLimiter
from api.limits import HTTP_LIMITS, HttpLimits
from api.settings import Network


@dataclass(frozen=True, slots=True)
class Guards:
    """Who is let in, and how much each gets.

    Attributes:
        tokens: reads which person asks.
        api_keys: the keys of machines.
        limits: what one client gets.
        trusted_proxies: whose word on the address of a client is taken.

    """

    tokens: Tokens
    api_keys: ApiKeys = NO_KEYS
    limits: HttpLimits = HTTP_LIMITS
    trusted_proxies: tuple[Network, ...] = ()


def build_application(
    routes: Iterable[web.AbstractRouteDef],
    guards: Guards,
    collectors: Iterable[Collector] = (),
) -> web.Application:
    """Return the application of these routes, with the middlewares around them.

    Args:
        routes: answer signed-in people, whom a handler finds at `request[ACTOR]`; or whom else they
            declare to (see `entrances`).
        guards: who is let in.
        collectors: what is measured beside the requests.

    """
    application = web.Application(client_max_size=guards.limits.body_bytes, middlewares=MIDDLEWARES)
    application[TOKENS] = guards.tokens
    application[API_KEYS] = guards.api_keys
    application[RATE_LIMITER] = RateLimiter(guards.limits)
    application[TRUSTED_PROXIES] = guards.trusted_proxies
    application[METRICS] = Metrics(collectors)
    application.on_response_prepare.append(complete)
    add_routes(application, routes)
    return application
