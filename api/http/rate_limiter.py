"""Rate limits by token buckets, and limits of concurrent requests.

Each server counts its own requests, so a request never waits for a shared counter. What a client
gets from all servers therefore grows with their number.
"""

import asyncio
import time
from collections import Counter, OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import Final, TypeAlias, TypeVar

from api.http.metering import metered
from api.limits import KNOWN_CLIENTS, HttpLimits
from engine.errors import TooManyRequests

T = TypeVar("T")
_Clock: TypeAlias = Callable[[], float]
"""Returns seconds from any start."""

_TOLERANCE: Final = 1e-6
"""Absorbs rounding errors in sums of seconds."""
_MILLISECONDS: Final = 1_000
"""In a second."""
_OWN_MILLISECONDS: Final = 10
"""What the beginning of a request can take, so that it is not refused because of itself."""


class Unit(StrEnum):
    """What a token of a bucket is."""

    REQUESTS = "requests"
    MILLISECONDS = "milliseconds"


_EXCEEDED: Final = {
    Unit.REQUESTS: (
        "This {client} can send {rate:g} requests a second, and {burst:,} at once: wait"
        " {seconds} s."
    ),
    Unit.MILLISECONDS: (
        "The server computes {rate:g} ms a second for this {client}, and {burst:,} ms at once;"
        " each request counts as at least 1 ms. Wait {seconds} s, and send fewer or simpler"
        " requests."
    ),
}


@dataclass(frozen=True, slots=True)
class Quota:
    """The tokens that a client has now, and the seconds until its bucket is full."""

    remaining: int
    reset_seconds: int


class TokenBuckets:
    """One token bucket for each client, stored as the time at which it is full.

    This is the generic cell rate algorithm (ITU-T I.371, appendix I). Full buckets take no memory,
    and no task refills the others. A bucket can have a debt, because the whole cost of a request is
    known only at its end. The debt is at most one burst.
    """

    def __init__(
        self,
        name: str,
        rate: float,
        burst: int,
        clock: _Clock = time.monotonic,
        unit: Unit = Unit.REQUESTS,
    ) -> None:
        """Create buckets of `burst` tokens that refill with `rate` tokens a second."""
        self.name = name
        self.burst = burst
        self.unit = unit
        """What a token is."""
        self.refill_seconds = burst / rate
        """How long an empty bucket takes to refill."""
        self._seconds_per_token = 1 / rate
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    @property
    def known_clients(self) -> int:
        """How many buckets are stored."""
        return len(self._full_at)

    def acquire(self, client: str) -> None:
        """Take a token of a client.

        Raises:
            TooManyRequests: its bucket is empty.

        """
        now = self._clock()
        full_at = max(self._full_at.get(client, now), now) + self._seconds_per_token
        self._require(full_at - now)
        self._store(client, full_at)

    def charge(self, client: str, tokens: float) -> None:
        """Take tokens of a client, more than it has if necessary."""
        now = self._clock()
        full_at = max(self._full_at.get(client, now), now) + tokens * self._seconds_per_token
        self._store(client, min(full_at, now + 2 * self.refill_seconds))

    def check(self, client: str, tolerated: float = 0) -> None:
        """Raise TooManyRequests if a client has a debt of more tokens than `tolerated`."""
        now = self._clock()
        self._require(self._full_at.get(client, now) - now, tolerated)

    def seconds_of_debt(self, client: str) -> float:
        """Return how long it takes until a client has no debt."""
        now = self._clock()
        return max(self._full_at.get(client, now) - now - self.refill_seconds, 0)

    def quota(self, client: str) -> Quota:
        """Return the quota of a client, and take no token."""
        now = self._clock()
        until_full = max(self._full_at.get(client, now) - now, 0)
        tokens = (self.refill_seconds - until_full) / self._seconds_per_token
        return Quota(max(int(tokens + _TOLERANCE), 0), ceil(until_full))

    def _require(self, until_full: float, tolerated: float = 0) -> None:
        """Raise TooManyRequests if a bucket that is full after some seconds has a debt."""
        if until_full > self.refill_seconds + tolerated * self._seconds_per_token + _TOLERANCE:
            seconds = ceil(until_full - self.refill_seconds)
            raise TooManyRequests(
                _EXCEEDED[self.unit].format(
                    client=self.name,
                    rate=1 / self._seconds_per_token,
                    burst=self.burst,
                    seconds=seconds,
                ),
                limit=f"{self.name}_rate",
                bound=1 / self._seconds_per_token,
                unit=self.unit,
                retry_after=seconds,
            )

    def _store(self, client: str, full_at: float) -> None:
        self._full_at[client] = full_at
        self._full_at.move_to_end(client)
        if len(self._full_at) > KNOWN_CLIENTS:
            self._full_at.popitem(last=False)


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
        viewers: the budgets of users and API keys, in milliseconds of computing time; None if
            they have no limit.
        addresses: the token buckets of addresses; None if they have no rate limit.
        concurrency: the requests of viewers that are in progress.

    """

    def __init__(self, limits: HttpLimits) -> None:
        self.viewers = token_buckets(
            "viewer", limits.viewer_rate, limits.viewer_burst, Unit.MILLISECONDS
        )
        self.addresses = token_buckets("address", limits.address_rate, limits.address_burst)
        self.concurrency = ConcurrencyLimiter(limits.viewer_requests)

    def meter(self, viewer: str, work: Awaitable[T]) -> Awaitable[T]:
        """Await work for a viewer, and take its computing time from the viewer's budget.

        The first millisecond is that of the token that the viewer acquired for the work.
        """
        if self.viewers is None:
            return work
        buckets = self.viewers

        def charge(seconds: float) -> None:
            buckets.charge(viewer, seconds * _MILLISECONDS)

        return metered(work, charge, 1 / _MILLISECONDS)

    def check(self, viewer: str) -> None:
        """Raise TooManyRequests if a viewer has used more than its budget.

        To be called right before expensive work: other requests of the viewer can have used the
        budget since this one was accepted.
        """
        if self.viewers:
            self.viewers.check(viewer, _OWN_MILLISECONDS)

    async def wait(self, viewer: str) -> None:
        """Wait as long as it takes to pay the debt of a viewer."""
        if self.viewers and (seconds := self.viewers.seconds_of_debt(viewer)):
            await asyncio.sleep(seconds)


def token_buckets(
    name: str, rate: float, burst: int, unit: Unit = Unit.REQUESTS
) -> TokenBuckets | None:
    """Return token buckets; None if the rate is 0, which means no limit."""
    return TokenBuckets(name, rate, burst, unit=unit) if rate else None
