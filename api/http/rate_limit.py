"""Rate limits of requests, and the headers that report them.

The headers are those of `draft-ietf-httpapi-ratelimit-headers`.
"""

from collections.abc import Mapping
from math import ceil
from typing import Final

from aiohttp import web

from api.http.app_keys import BUCKETS, Buckets
from api.http.rate_limiter import TokenBuckets, Unit

_POLICY: Final = "RateLimit-Policy"
_REMAINING: Final = "RateLimit"


def acquire(request: web.Request, buckets: TokenBuckets, client: str) -> None:
    """Take a token of a client, and remember the bucket for the headers of the response.

    Raises:
        TooManyRequests: the client has no token.

    """
    request[BUCKETS][buckets] = client
    buckets.acquire(client)


def rate_limit_headers(clients: Buckets) -> Mapping[str, str]:
    """Return the headers that report the quotas of clients now; there must be at least one."""
    quotas = {buckets: buckets.quota(client) for buckets, client in clients.items()}
    return {
        _POLICY: ", ".join(map(_policy, quotas)),
        _REMAINING: ", ".join(
            f'"{buckets.name}";r={quota.remaining};t={quota.reset_seconds}'
            for buckets, quota in quotas.items()
        ),
    }


def _policy(buckets: TokenBuckets) -> str:
    """Return the policy of token buckets; `requests` is the default unit."""
    unit = "" if buckets.unit is Unit.REQUESTS else f';qu="{buckets.unit}"'
    return f'"{buckets.name}";q={buckets.burst};w={ceil(buckets.refill_seconds)}{unit}'
