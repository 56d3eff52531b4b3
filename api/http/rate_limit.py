"""Rate limits of requests, and the headers that report them.

The headers are those of `draft-ietf-httpapi-ratelimit-headers`.
"""

from collections.abc import Mapping
from math import ceil
from typing import Final

from aiohttp import web

from api.http.app_keys import QUOTAS, Quotas
from api.http.rate_limiter import TokenBuckets
from engine.errors import TooManyRequests

_POLICY: Final = "RateLimit-Policy"
_REMAINING: Final = "RateLimit"


def acquire(request: web.Request, buckets: TokenBuckets, client: str) -> None:
    """Take a token of a client, and store the quota for the headers of the response.

    Raises:
        TooManyRequests: the client has no token.

    """
    try:
        quota = buckets.acquire(client)
    except TooManyRequests:
        request[QUOTAS][buckets.name] = buckets, buckets.quota(client)
        raise
    request[QUOTAS][buckets.name] = buckets, quota


def rate_limit_headers(quotas: Quotas) -> Mapping[str, str]:
    """Return the headers that report quotas; there must be at least one."""
    pairs = quotas.values()
    return {
        _POLICY: ", ".join(
            f'"{each.name}";q={each.burst};w={ceil(each.refill_seconds)}' for each, _ in pairs
        ),
        _REMAINING: ", ".join(
            f'"{each.name}";r={quota.remaining};t={quota.reset_seconds}' for each, quota in pairs
        ),
    }
