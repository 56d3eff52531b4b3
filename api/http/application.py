"""The aiohttp application that serves every route."""

from collections.abc import Iterable
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Middleware
from prometheus_client.registry import Collector

from api.auth.api_keys import NO_API_KEYS, ApiKeys
from api.auth.tokens import TokenVerifier
from api.http.access import add_routes
from api.http.addresses import Network
from api.http.app_keys import (
    API_KEYS,
    CONNECTIONS,
    DRAIN,
    METRICS,
    RATE_LIMITER,
    REQUEST_SECONDS,
    TOKENS,
    TRUSTED_PROXIES,
)
from api.http.connections import Connections
from api.http.drain import Drain
from api.http.metrics import Metrics
from api.http.middlewares import MIDDLEWARES, prepare_response
from api.http.problem_details import UNROUTED_ERROR_RENDERER, ErrorRenderer, Problem
from api.http.rate_limiter import RateLimiter
from api.limits import CONNECTION_LIMITS, HTTP_LIMITS, ConnectionLimits, HttpLimits


@dataclass(frozen=True, slots=True)
class AccessControl:
    """How clients are authenticated and limited.

    Attributes:
        tokens: authenticates users.
        api_keys: authenticates machines.
        limits: apply to each client.
        trusted_proxies: the proxies whose `X-Forwarded-For` is trusted.
        connection_limits: apply to the connections of all clients.

    """

    tokens: TokenVerifier
    api_keys: ApiKeys = NO_API_KEYS
    limits: HttpLimits = HTTP_LIMITS
    trusted_proxies: tuple[Network, ...] = ()
    connection_limits: ConnectionLimits = CONNECTION_LIMITS


def build_application(
    routes: Iterable[web.AbstractRouteDef],
    access_control: AccessControl,
    collectors: Iterable[Collector] = (),
    render_unrouted_error: ErrorRenderer = Problem.response,
) -> web.Application:
    """Return the application that serves the routes, with all middlewares.

    Args:
        routes: require the token of a user, unless they are a `ProtectedRoute`.
        access_control: applies to all routes.
        collectors: metrics to expose in addition to those of requests.
        render_unrouted_error: renders the errors of paths without a route.

    """
    application = web.Application(
        client_max_size=access_control.limits.body_bytes, middlewares=MIDDLEWARES
    )
    application[TOKENS] = access_control.tokens
    application[REQUEST_SECONDS] = access_control.limits.request_seconds
    application[API_KEYS] = access_control.api_keys
    application[RATE_LIMITER] = RateLimiter(access_control.limits)
    application[TRUSTED_PROXIES] = access_control.trusted_proxies
    application[DRAIN] = Drain()
    connections = Connections(access_control.connection_limits, access_control.trusted_proxies)
    application[CONNECTIONS] = connections
    application[UNROUTED_ERROR_RENDERER] = render_unrouted_error
    application[METRICS] = Metrics([*collectors, *connections.collectors])
    application.on_response_prepare.append(prepare_response)
    add_routes(application, routes)
    return application


def trace_requests(application: web.Application, trace: Middleware) -> None:
    """Trace all requests: the line in the log has the trace, and the trace has the response."""
    application.middlewares.insert(1, trace)


def check_hosts(application: web.Application, check: Middleware) -> None:
    """Check the host of all requests, before their credentials; errors are rendered as others."""
    application.middlewares.insert(-2, check)
