"""How much one client gets: requests a second by token buckets, and requests at a time.

Each server counts by itself, so that a request never waits for a count; what a client gets from all
of them grows with their number.
"""

import time
from collections import Counter, OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from math import ceil
from typing import Final, TypeAlias

from api.limits import KNOWN_CLIENTS, HttpLimits
from engine.errors import InterlockError

Clock: TypeAlias = Callable[[], float]
"""Seconds since any moment."""

TOLERANCE: Final = 1e-6
"""Of sums of seconds: a bucket that is full but for rounding is full."""


class TooManyRequests(InterlockError):
    """A client sends more than one client may: wait as long as `Retry-After` says.

    `details` names the limit, its bound, and the whole seconds to wait.
    """

    code = "too_many_requests"
    status = 429


@dataclass(frozen=True, slots=True)
class Quota:
    """What is left to a client: `left` requests now, and all of them again in `seconds`."""

    left: int
    seconds: int


class Buckets:
    """One token bucket a client, kept as the moment at which it is full again.

    That is the generic cell rate algorithm (ITU-T I.371, appendix I): a bucket that is full needs
    no place, and no task refills any.
    """

    def __init__(self, name: str, rate: float, burst: int, clock: Clock = time.monotonic) -> None:
        """Make buckets of `burst` tokens that get `rate` new ones a second."""
        self.name = name
        self.burst = burst
        self.seconds = burst / rate
        """That an empty bucket takes to be full."""
        self._seconds_a_token = 1 / rate
        self._clock = clock
        self._full_at: OrderedDict[str, float] = OrderedDict()

    @property
    def known_clients(self) -> int:
        """How many clients it keeps count of."""
        return len(self._full_at)

    def take(self, client: str) -> Quota:
        """Take a token of a client.

        Raises:
            TooManyRequests: it has none.

        """
        now = self._clock()
        full_at = max(self._full_at.get(client, now), now) + self._seconds_a_token
        missing = full_at - now
        if missing > self.seconds + TOLERANCE:
            raise self._refusal(ceil(missing - self.seconds))
        self._remember(client, full_at)
        return self._share(missing)

    def left_to(self, client: str) -> Quota:
        """Return what is left to a client."""
        now = self._clock()
        return self._share(max(self._full_at.get(client, now) - now, 0))

    def _share(self, missing: float) -> Quota:
        """Return what is in a bucket that is full again after so many seconds."""
        left = int((self.seconds - missing) / self._seconds_a_token + TOLERANCE)
        return Quota(left, ceil(missing))

    def _remember(self, client: str, full_at: float) -> None:
        self._full_at[client] = full_at
        self._full_at.move_to_end(client)
        if len(self._full_at) > KNOWN_CLIENTS:
            self._full_at.popitem(last=False)

    def _refusal(self, seconds: int) -> TooManyRequests:
        rate = 1 / self._seconds_a_token
        return TooManyRequests(
            f"This {self.name} may send {rate:g} requests a second, and {self.burst:,} at once: "
            f"wait {seconds} s.",
            limit=f"{self.name}_rate",
            bound=rate,
            retry_after=seconds,
        )


class InFlight:
    """How many requests of each client are being answered."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._answering: Counter[str] = Counter()

    def one_of(self, client: str) -> "OneInFlight":
        """Count a request for as long as a block lasts (`with`).

        Raises:
            TooManyRequests: at the beginning of the block; as many of this client as may be are
                being answered.

        """
        return OneInFlight(self, client)

    def begin(self, client: str) -> None:
        """Count one more; raise TooManyRequests if that is too many."""
        if self._answering[client] >= self._bound:
            raise TooManyRequests(
                f"{self._bound} requests of this viewer are being answered: wait for one of them.",
                limit="viewer_requests",
                bound=self._bound,
                retry_after=1,
            )
        self._answering[client] += 1

    def end(self, client: str) -> None:
        """Count one less."""
        self._answering[client] -= 1
        if not self._answering[client]:
            del self._answering[client]


@dataclass(slots=True)
class OneInFlight:
    """A request of a client, which is being answered for the length of a block."""

    in_flight: InFlight
    client: str

    def __enter__(self) -> None:
        self.in_flight.begin(self.client)

    def __exit__(self, *_: object) -> None:
        self.in_flight.end(self.client)


class RateLimiter:
    """What every client of one server gets.

    Attributes:
        viewers: the buckets of people and API keys; None if they send as much as they like.
        addresses: the buckets of addresses; None likewise.
        in_flight: what viewers have under way.

    """

    def __init__(self, limits: HttpLimits, clock: Clock = time.monotonic) -> None:
        self.viewers = buckets("viewer", limits.viewer_rate, limits.viewer_burst, clock)
        self.addresses = buckets("address", limits.address_rate, limits.address_burst, clock)
        self.in_flight = InFlight(limits.viewer_requests)


def buckets(name: str, rate: float, burst: int, clock: Clock) -> Buckets | None:
    """Return buckets; None if the rate is 0, which is no limit."""
    return Buckets(name, rate, burst, clock) if rate else None
