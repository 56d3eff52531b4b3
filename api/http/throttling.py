"""Around every route but the probes: one client gets no more than its share.

Answers tell what is left in the fields of `draft-ietf-httpapi-ratelimit-headers`.
"""

from math import ceil
from typing import Final

from aiohttp import web

from api.http.addresses import client_address, network_of
from api.http.keys import RATE_LIMITS, THROTTLE, VIEWER
from api.http.probes import PROBE_PATHS
from api.throttle import Buckets, OneInFlight, Share, TooManyRequests

POLICY: Final = "RateLimit-Policy"
LEFT: Final = "RateLimit"


def take_of_address(request: web.Request) -> None:
    """Take a token of the address, before anything is done for it."""
    buckets = request.app[THROTTLE].addresses
    if buckets and request.rel_url.path not in PROBE_PATHS:
        take(request, buckets, network_of(client_address(request)))


def share_of_viewer(request: web.Request) -> OneInFlight:
    """Take a token of who was let in; count the request for the length of a block (`with`)."""
    viewer, throttle = request[VIEWER], request.app[THROTTLE]
    if throttle.viewers:
        take(request, throttle.viewers, viewer)
    return throttle.in_flight.one_of(viewer)


def take(request: web.Request, buckets: Buckets, client: str) -> None:
    """Take a token of a client, and note what is left, also where there was none to take."""
    try:
        share = buckets.take(client)
    except TooManyRequests:
        tell(request, buckets, buckets.left_to(client))
        raise
    tell(request, buckets, share)


def tell(request: web.Request, buckets: Buckets, share: Share) -> None:
    """Note what is left to a client, for the headers of the answer."""
    policy = f'"{buckets.name}";q={buckets.burst};w={ceil(buckets.seconds)}'
    left = f'"{buckets.name}";r={share.left};t={share.seconds}'
    noted = request.get(RATE_LIMITS, {})
    request[RATE_LIMITS] = {
        POLICY: f"{noted[POLICY]}, {policy}" if noted else policy,
        LEFT: f"{noted[LEFT]}, {left}" if noted else left,
    }
