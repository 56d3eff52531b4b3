"""Around every route but the probes: one client gets no more than its share.

Answers tell what is left in the fields of `draft-ietf-httpapi-ratelimit-headers`.
"""

from math import ceil
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from api.http.addresses import client_address, network_of
from api.http.keys import RATE_LIMITS, THROTTLE, VIEWER
from api.http.probes import PROBE_PATHS
from api.throttle import Buckets, OneInFlight, Share

POLICY: Final = "RateLimit-Policy"
LEFT: Final = "RateLimit"


@web.middleware
async def throttle_addresses(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Take a token of the address, before anything is done for it."""
    buckets = request.app[THROTTLE].addresses
    if buckets and request.rel_url.path not in PROBE_PATHS:
        tell(request, buckets, buckets.take(network_of(client_address(request))))
    return await handler(request)


def share_of_viewer(request: web.Request) -> OneInFlight:
    """Take a token of who was let in; count the request for the length of a block (`with`)."""
    viewer, throttle = request[VIEWER], request.app[THROTTLE]
    if throttle.viewers:
        tell(request, throttle.viewers, throttle.viewers.take(viewer))
    return throttle.in_flight.one_of(viewer)


def tell(request: web.Request, buckets: Buckets, share: Share) -> None:
    """Note what is left to a client, for the headers of the answer."""
    policy = f'"{buckets.name}";q={buckets.burst};w={ceil(buckets.seconds)}'
    left = f'"{buckets.name}";r={share.left};t={share.seconds}'
    noted = request.get(RATE_LIMITS, {})
    request[RATE_LIMITS] = {
        POLICY: f"{noted[POLICY]}, {policy}" if noted else policy,
        LEFT: f"{noted[LEFT]}, {left}" if noted else left,
    }
