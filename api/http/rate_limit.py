"""Around every route but the probes: one client gets no more than its share.

Answers tell what is left in the fields of `draft-ietf-httpapi-ratelimit-headers`.
"""

from collections.abc import Mapping
from math import ceil
from typing import Final

from aiohttp import web

from api.http.app_keys import QUOTAS, VIEWER, Quotas
from api.http.client_address import client_address, network_of
from api.http.paths import PROBE_PATHS
from api.http.rate_limiter import Buckets, Quota, TooManyRequests

POLICY: Final = "RateLimit-Policy"
LEFT: Final = "RateLimit"


def take_of_address(request: web.Request, buckets: Buckets | None) -> None:
    """Take a token of the address, before anything is done for it."""
    if buckets and request.rel_url.path not in PROBE_PATHS:
        take(request, buckets, network_of(client_address(request)))


def take_of_viewer(request: web.Request, buckets: Buckets | None) -> None:
    """Take a token of who was let in."""
    if buckets:
        take(request, buckets, request[VIEWER])


def take(request: web.Request, buckets: Buckets, client: str) -> None:
    """Take a token of a client, and note what is left, also where there was none to take."""
    try:
        share = buckets.take(client)
    except TooManyRequests:
        note_left(request, buckets, buckets.left_to(client))
        raise
    note_left(request, buckets, share)


def note_left(request: web.Request, buckets: Buckets, share: Quota) -> None:
    """Note what is left to a client, for the headers of the answer."""
    request[QUOTAS][buckets.name] = buckets, share


def shares_told(shares: Quotas) -> Mapping[str, str]:
    """Return the headers that tell what is left, by at least one limit."""
    noted = shares.values()
    return {
        POLICY: ", ".join(f'"{of.name}";q={of.burst};w={ceil(of.seconds)}' for of, _ in noted),
        LEFT: ", ".join(f'"{of.name}";r={left.left};t={left.seconds}' for of, left in noted),
    }
