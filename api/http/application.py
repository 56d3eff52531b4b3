"""The one application that all HTTP doors are routes of."""

from collections.abc import Iterable

from aiohttp import web

from api import limits
from api.http.keys import METRICS, PUBLIC_ROUTES, TOKENS
from api.http.metrics import Metrics
from api.http.middlewares import MIDDLEWARES, set_headers
from api.http.probes import Readiness, probe_routes
from api.identity import Tokens


def build_application(
    routes: Iterable[web.AbstractRouteDef],
    tokens: Tokens,
    readiness: Readiness,
    public_routes: Iterable[web.AbstractRouteDef] = (),
) -> web.Application:
    """Return the application of these routes, with the probes and everything around them.

    Args:
        routes: answer only signed-in people; a handler finds the actor at `request[ACTOR]`.
        tokens: reads who asks.
        readiness: raises when requests can't be served.
        public_routes: answer everybody.

    """
    application = web.Application(client_max_size=limits.BODY_BYTES, middlewares=MIDDLEWARES)
    application[TOKENS] = tokens
    application[METRICS] = Metrics()
    application.on_response_prepare.append(set_headers)
    application.add_routes(routes)
    protected = frozenset(application.router.routes())
    application.add_routes([*probe_routes(readiness), *public_routes])
    application[PUBLIC_ROUTES] = frozenset(application.router.routes()) - protected
    return application
