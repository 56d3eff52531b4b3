"""The open connections of a server process, and the limits on their number."""

import time
from collections import Counter as CountedSet
from collections.abc import Callable, Sequence
from heapq import nsmallest
from operator import attrgetter
from typing import Final, Protocol

import structlog
from prometheus_client import Counter, Gauge

from api.http.addresses import Network, is_trusted, network_of
from api.limits import (
    CONNECTION_LIMITS,
    CONNECTION_WARNING_SECONDS,
    EVICTED_CONNECTIONS,
    IDLE_SEARCH_SECONDS,
    RESERVED_DESCRIPTORS,
    ConnectionLimits,
)
from engine.errors import Unavailable

log: Final = structlog.get_logger(component="http")


class TooManyConnections(Unavailable):
    """There are too many open connections. Close idle ones, or try again later."""

    code = "too_many_connections"


class OpenConnection(Protocol):
    """A connection that can be closed to make room.

    Attributes:
        is_idle: whether it waits for a request, or for the rest of its head.
        first_byte_at: when its latest request began; 0 if it had none.

    """

    first_byte_at: float

    @property
    def is_idle(self) -> bool:
        """Whether it waits for a request."""

    def force_close(self) -> None:
        """Close the connection at once."""


class Connections:
    """Counts the open connections, and refuses those beyond the limits.

    If the server has too many, those that have been idle the longest are closed. Otherwise clients
    that send nothing could keep out all others, and the probes of the platform.

    Args:
        limits: the limits, which the connections apply.
        trusted_proxies: have no limit of their own; all clients connect through them.
        clock: a monotonic clock in seconds.

    """

    def __init__(
        self,
        limits: ConnectionLimits = CONNECTION_LIMITS,
        trusted_proxies: Sequence[Network] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limits = limits
        self._trusted_proxies = trusted_proxies
        self._clock = clock
        self._bound = limits.connections
        self._networks: dict[OpenConnection, str] = {}
        self._of_networks: CountedSet[str] = CountedSet()
        self._evicted: set[OpenConnection] = set()
        self._next_search = self._next_warning = 0.0
        opened = Gauge("interlock_http_connections", "Open connections of clients.", registry=None)
        opened.set_function(lambda: self.count)
        self._evictions = Counter(
            "interlock_http_connections_evicted",
            "Idle connections that were closed because there were too many.",
            registry=None,
        )
        self._refusals = Counter(
            "interlock_http_connections_refused",
            "Connections that were refused because there were too many.",
            ["limit"],
            registry=None,
        )
        self.collectors = (opened, self._evictions, self._refusals)

    @property
    def count(self) -> int:
        """The number of open connections."""
        return len(self._networks)

    def fit(self, descriptors: int) -> None:
        """Lower the limits so that connections leave descriptors for everything else."""
        reserved = min(RESERVED_DESCRIPTORS, descriptors // 2)
        if descriptors - reserved < self._bound:
            self._bound = descriptors - reserved
            log.warning(
                "too few file descriptors for the limit `connections`",
                descriptors=descriptors,
                connections=self._bound,
            )

    def open(self, connection: OpenConnection, address: str) -> None:
        """Count a new connection of an address.

        Raises:
            TooManyConnections: it is one too many.

        """
        network = "" if is_trusted(address, self._trusted_proxies) else network_of(address)
        # One address never takes all connections.
        bound = min(self.limits.address_connections, max(self._bound // 2, 1))
        if network and self._of_networks[network] >= bound:
            raise self._refusal("address_connections", bound, "Your address")
        if self.count - len(self._evicted) >= self._bound and not self._evict():
            raise self._refusal("connections", self._bound, "This server")
        self._networks[connection] = network
        self._of_networks[network] += 1

    def close(self, connection: OpenConnection) -> None:
        """Count a connection as closed, if it was not refused."""
        network = self._networks.pop(connection, None)
        if network is None:
            return
        self._evicted.discard(connection)
        self._of_networks[network] -= 1
        if not self._of_networks[network]:
            del self._of_networks[network]

    def _evict(self) -> bool:
        """Close the connections that have been idle the longest; return whether there are any."""
        if self._clock() < self._next_search:
            return False
        idle = [each for each in self._networks if each.is_idle]
        oldest = nsmallest(EVICTED_CONNECTIONS, idle, key=attrgetter("first_byte_at"))
        if not oldest:
            self._next_search = self._clock() + IDLE_SEARCH_SECONDS
            return False
        for each in oldest:
            each.force_close()
        self._evicted |= set(oldest)
        self._evictions.inc(len(oldest))
        self._warn("idle connections closed", "connections", self._bound)
        return True

    def _refusal(self, limit: str, bound: int, whose: str) -> TooManyConnections:
        """Count a refusal, and return the error."""
        self._refusals.labels(limit).inc()
        self._warn("connections refused", limit, bound)
        message = f"{whose} has {bound:,} open connections. Close idle ones, or try again later."
        return TooManyConnections(message, limit=limit, bound=bound)

    def _warn(self, event: str, limit: str, bound: int) -> None:
        """Log that there are too many connections, unless that was logged a short time ago."""
        if self._clock() >= self._next_warning:
            self._next_warning = self._clock() + CONNECTION_WARNING_SECONDS
            log.warning(event, limit=limit, bound=bound)
