"""Who may enter by which route: declared beside the route, and decided here.

    routes = [web.get("/tickets", tickets), By(WithKey(Scope.RELOAD), web.post("/reload", reload))]

A route that declares nothing takes signed-in people only.
"""

from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Final

from aiohttp import hdrs, web

from api.auth import bearer_token
from api.auth.api_keys import Scope
from api.http.app_keys import ACCESS, ACTOR, API_KEYS, TOKEN, TOKENS, VIEWER, Access
from api.http.problem_details import ERROR_RENDERERS, ErrorRenderer
from api.log_context import bind

API_KEY_HEADER: Final = "X-API-Key"


async def require_user(request: web.Request) -> None:
    """Let in whoever has a valid token; the handler finds it, and who it is, in the request."""
    token = bearer_token(request.headers.getall(hdrs.AUTHORIZATION, []))
    actor = await request.app[TOKENS].identified(token)
    request[TOKEN], request[ACTOR], request[VIEWER] = token, actor, actor.id
    bind(actor=actor.id)


async def allow_anyone(_request: web.Request) -> None:
    """Let everybody in."""


@dataclass(frozen=True, slots=True)
class ApiKeyAccess:
    """The entrance for machines whose API key has a scope."""

    scope: Scope

    async def __call__(self, request: web.Request) -> None:
        """Let in whoever shows such a key."""
        # Several headers of one name mean what one header of all of them does (RFC 9110, 5.3).
        key = ", ".join(request.headers.getall(API_KEY_HEADER, []))
        name = request.app[API_KEYS].admit(key, self.scope)
        request[VIEWER] = f"{API_KEY_HEADER} {name}"  # no id of a person has a space
        bind(api_key=name)


@dataclass(frozen=True, slots=True)
class ProtectedRoute(web.AbstractRouteDef):
    """A route that others than signed-in people may take, or that tells problems its own way.

    Attributes:
        tells: how problems are told; None for problem documents.

    """

    entrance: Access
    route: web.AbstractRouteDef
    tells: ErrorRenderer | None = None

    def register(self, router: web.UrlDispatcher) -> list[web.AbstractRoute]:
        """Add the route to a router."""
        return self.route.register(router)


def add_routes(application: web.Application, routes: Iterable[web.AbstractRouteDef]) -> None:
    """Add routes to an application, and note who may enter by each and how it tells problems."""
    entrances: dict[web.AbstractRoute, Access] = {}
    tellers: dict[web.AbstractRoute, ErrorRenderer] = {}
    for route in routes:
        added = register(application.router, route)
        if isinstance(route, ProtectedRoute):
            entrances |= dict.fromkeys(added, route.entrance)
            tellers |= dict.fromkeys(added, route.tells) if route.tells else {}
    application[ACCESS] = entrances
    application[ERROR_RENDERERS] = tellers


def register(
    router: web.UrlDispatcher, route: web.AbstractRouteDef
) -> AbstractSet[web.AbstractRoute]:
    """Add a route, and return what that added: with GET comes HEAD, which aiohttp does not say."""
    before = frozenset(router.routes())
    route.register(router)
    return frozenset(router.routes()) - before


async def authorize(request: web.Request) -> None:
    """Let a request in by the entrance of its route.

    Raises:
        Unauthenticated: nobody says who asks, or nobody who may.
        Forbidden: who asks may do other things only.
        Unavailable: there are no keys yet that a token could be checked with.

    """
    await request.app[ACCESS].get(request.match_info.route, require_user)(request)
