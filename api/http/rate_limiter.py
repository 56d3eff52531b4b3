"""Rate limits by token buckets, and limits of concurrent requests.

Each server counts its own requests, so a request never waits for a shared counter. What a client
gets from all servers therefore grows with their number.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final, TypeAlias

from api.limits import KNOWN_CLIENTS, HttpLimits
from engine.errors import TooManyRequests

_Clock: TypeAlias = Callable[[], float]
"""Returns seconds from any start."""

_TOLERANCE: Final = 1e-6
"""Absorbs rounding errors in sums of seconds."""


@dataclass(frozen=True, slots=True)
class Quota:
    """The tokens that a client has now, and the seconds until its bucket is full."""

    remaining: int
    reset_seconds: int


class TokenBuckets:
    """One token bucket for each client, stored as the time at which it is full.

    This is the generic cell rate algorithm (ITU-T I.371, appendix I). Full buckets take no memory,
    and no task refills the others.
    """

    def __init__(self, name: str, rate: float, burst: int, clock: _Clock = time.monotonic) -> None:
        """Create buckets of `burst` tokens that refill with `rate` tokens a second."""
        self.name = name
        self.burst = burst
        self.refill_seconds = burst / rate
        """How long an empty bucket takes to refill."""
        self._seconds_per_token = 1 / rate
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    @property
    def known_clients(self) -> int:
        """How many buckets are stored."""
        return len(self._full_at)

    def acquire(self, client: str) -> Quota:
        """Take a token of a client.

        Raises:
            TooManyRequests: its bucket is empty.

        """
        now = self._clock()
        full_at = max(self._full_at.get(client, now), now) + self._seconds_per_token
        until_full = full_at - now
        if until_full > self.refill_seconds + _TOLERANCE:
            seconds = ceil(until_full - self.refill_seconds)
            rate = 1 / self._seconds_per_token
            raise TooManyRequests(
                f"This {self.name} can send {rate:g} requests a second, and {self.burst:,} at "
                f"once: wait {seconds} s.",
                limit=f"{self.name}_rate",
                bound=rate,
                retry_after=seconds,
            )
        self._full_at[client] = full_at
        self._full_at.move_to_end(client)
        if len(self._full_at) > KNOWN_CLIENTS:
            self._full_at.popitem(last=False)
        return self._quota(until_full)

    def quota(self, client: str) -> Quota:
        """Return the quota of a client, and take no token."""
        now = self._clock()
        return self._quota(max(self._full_at.get(client, now) - now, 0))

    def _quota(self, until_full: float) -> Quota:
        tokens = (self.refill_seconds - until_full) / self._seconds_per_token
        return Quota(int(tokens + _TOLERANCE), ceil(until_full))


class ConcurrencyLimiter:
    """Limits how many requests of each client are processed at a time."""

    def __init__(self, bound: int) -> None:
        self.bound = bound
        self.requests: Counter[str] = Counter()

    def slot(self, client: str) -> "_Slot":
        """Return a context manager that counts one request of a client.

        Raises:
            TooManyRequests: on entering, if the client has no free slot.

        """
        return _Slot(self, client)


@dataclass(slots=True)
class _Slot:
    """One request of a client."""

    limiter: ConcurrencyLimiter
    client: str

    def __enter__(self) -> None:
        bound, requests = self.limiter.bound, self.limiter.requests
        if requests[self.client] >= bound:
            raise TooManyRequests(
                f"This viewer has {bound} requests in progress: wait for one of them to finish.",
                limit="viewer_requests",
                bound=bound,
                retry_after=1,
            )
        requests[self.client] += 1

    def __exit__(self, *_: object) -> None:
        requests = self.limiter.requests
        requests[self.client] -= 1
        if not requests[self.client]:
            del requests[self.client]


class RateLimiter:
    """The limits of all clients of one server.

    Attributes:
        viewers: the token buckets of users and API keys; None if they have no rate limit.
        addresses: the token buckets of addresses; None if they have no rate limit.
        concurrency: the requests of viewers that are in progress.

    """

    def __init__(self, limits: HttpLimits) -> None:
        self.viewers = token_buckets("viewer", limits.viewer_rate, limits.viewer_burst)
        self.addresses = token_buckets("address", limits.address_rate, limits.address_burst)
        self.concurrency = ConcurrencyLimiter(limits.viewer_requests)


def token_buckets(name: str, rate: float, burst: int) -> TokenBuckets | None:
    """Return token buckets; None if the rate is 0, which means no limit."""
    return TokenBuckets(name, rate, burst) if rate else None
