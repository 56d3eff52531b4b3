"""Authorization of requests, declared next to each route.

    routes = [
        web.get("/tickets", tickets),
        ProtectedRoute(ApiKeyAccess(Scope.RELOAD), web.post("/reload", reload)),
    ]

A route without a declaration requires the token of a user.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from api.auth.api_keys import Scope
from api.auth.errors import bearer_token
from api.http.app_keys import (
    ACCESS,
    ACTOR,
    API_KEY,
    API_KEYS,
    TIME_LIMITS,
    TOKEN,
    TOKENS,
    VIEWER,
    Access,
)
from api.http.problem_details import ERROR_RENDERERS, ErrorRenderer
from api.log_context import bind

API_KEY_HEADER: Final = "X-API-Key"


async def require_user(request: web.Request) -> None:
    """Authenticate a user by token, and store token and actor in the request.

    Raises:
        Unauthenticated: the request has no valid token.
        Unavailable: the keys that verify tokens are not loaded yet.

    """
    token = bearer_token(request.headers.getall(hdrs.AUTHORIZATION, []))
    actor = await request.app[TOKENS].authenticate(token)
    request[TOKEN], request[ACTOR], request[VIEWER] = token, actor, actor.id
    bind(actor=actor.id)


async def allow_anyone(_request: web.Request) -> None:
    """Accept a request without credentials."""


def require_scope(request: web.Request, scope: Scope) -> str:
    """Verify the API key of a request and its scope; return the name of the key in the log.

    Raises:
        ApiKeyRequired: the request has no valid API key.
        Forbidden: the key does not have the scope.

    """
    # Several headers of one name mean what one header of all of them does (RFC 9110, 5.3).
    key = ", ".join(request.headers.getall(API_KEY_HEADER, []))
    return request.app[API_KEYS].authenticate(key, scope)


@dataclass(frozen=True, slots=True)
class ApiKeyAccess:
    """Requires an API key that has a scope."""

    scope: Scope

    async def __call__(self, request: web.Request) -> None:
        """Authenticate a machine by its API key.

        Raises:
            ApiKeyRequired: the request has no valid API key.
            Forbidden: the key does not have the scope.

        """
        name = require_scope(request, self.scope)
        request[API_KEY] = name
        request[VIEWER] = f"{API_KEY_HEADER} {name}"  # user ids contain no space
        bind(api_key=name)


@dataclass(frozen=True, slots=True)
class ProtectedRoute(web.AbstractRouteDef):
    """A route with its own access rule, error format or time limit.

    Attributes:
        access: authorizes the requests.
        render_error: renders errors; None for problem documents.
        seconds: how long a request can take; None for the limit of all requests, `inf` for none.

    """

    access: Access
    route: web.AbstractRouteDef
    render_error: ErrorRenderer | None = None
    seconds: float | None = None

    def register(self, router: web.UrlDispatcher) -> list[web.AbstractRoute]:
        """Add the route to a router."""
        return self.route.register(router)


def add_routes(application: web.Application, routes: Iterable[web.AbstractRouteDef]) -> None:
    """Add routes to an application, each with what its `ProtectedRoute` defines."""
    router = application.router
    access: dict[web.AbstractRoute, Access] = {}
    error_renderers: dict[web.AbstractRoute, ErrorRenderer] = {}
    time_limits: dict[web.AbstractRoute, float] = {}
    for route in routes:
        before = frozenset(router.routes())
        route.register(router)
        if isinstance(route, ProtectedRoute):
            # `register` does not return the HEAD route that comes with a GET route.
            added = frozenset(router.routes()) - before
            access |= dict.fromkeys(added, route.access)
            if route.render_error:
                error_renderers |= dict.fromkeys(added, route.render_error)
            if route.seconds is not None:
                time_limits |= dict.fromkeys(added, route.seconds)
    application[ACCESS] = access
    application[TIME_LIMITS] = time_limits
    application[ERROR_RENDERERS] = error_renderers
