"""The one application that all HTTP doors are routes of."""

from collections.abc import Iterable

from aiohttp import web
from prometheus_client.registry import Collector

from api import limits
from api.http.entrances import add_routes
from api.http.keys import API_KEYS, METRICS, TOKENS
from api.http.metrics import Metrics
from api.http.middlewares import MIDDLEWARES, set_headers, tell_of_expectation
from api.http.probes import Readiness, probe_routes
from api.identity import Tokens
from api.keys import NO_KEYS, ApiKeys


def build_application(
    routes: Iterable[web.AbstractRouteDef],
    tokens: Tokens,
    readiness: Readiness,
    api_keys: ApiKeys = NO_KEYS,
    collectors: Iterable[Collector] = (),
) -> web.Application:
    """Return the application of these routes, with the probes and everything around them.

    Args:
        routes: answer signed-in people, whom a handler finds at `request[ACTOR]`; or whom else they
            declare to (see `entrances`).
        tokens: reads which person asks.
        readiness: raises when requests can't be served.
        api_keys: the keys of machines.
        collectors: what is measured beside the requests.

    """
    application = web.Application(client_max_size=limits.BODY_BYTES, middlewares=MIDDLEWARES)
    application[TOKENS] = tokens
    application[API_KEYS] = api_keys
    application[METRICS] = Metrics(collectors)
    application.on_response_prepare.extend((tell_of_expectation, set_headers))
    add_routes(application, [*routes, *probe_routes(readiness)])
    return application
