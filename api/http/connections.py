"""The open connections of a server process, and the limits on their number."""

import time
from collections import Counter as CountedSet
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from prometheus_client import Counter, Gauge

from api.http.addresses import Network, is_trusted, network_of
from api.limits import (
    CONNECTION_LIMITS,
    REFUSAL_WARNING_SECONDS,
    RESERVED_DESCRIPTORS,
    ConnectionLimits,
)
from engine.errors import Unavailable

log: Final = structlog.get_logger(component="http")


class TooManyConnections(Unavailable):
    """There are too many open connections: close idle ones, or retry later."""

    code = "too_many_connections"


class Connections:
    """Counts the open connections, and refuses those beyond the limits.

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
        self.count = 0
        """The number of open connections."""
        self._of_networks: CountedSet[str] = CountedSet()
        self._next_warning = 0.0
        opened = Gauge("interlock_http_connections", "Open connections of clients.", registry=None)
        opened.set_function(lambda: self.count)
        self._refused = Counter(
            "interlock_http_connections_refused",
            "Connections that were refused because there were too many.",
            ["limit"],
            registry=None,
        )
        self.collectors = (opened, self._refused)

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

    def open(self, address: str) -> str:
        """Count a new connection of an address; return the network to pass to `close`.

        Raises:
            TooManyConnections: it is one too many.

        """
        if self.count >= self._bound:
            raise self._refusal("connections", self._bound, "This server")
        network = "" if is_trusted(address, self._trusted_proxies) else network_of(address)
        # One address never takes all connections.
        bound = min(self.limits.address_connections, max(self._bound // 2, 1))
        if network and self._of_networks[network] >= bound:
            raise self._refusal("address_connections", bound, "Your address")
        self.count += 1
        self._of_networks[network] += 1
        return network

    def close(self, network: str) -> None:
        """Count a connection as closed."""
        self.count -= 1
        self._of_networks[network] -= 1
        if not self._of_networks[network]:
            del self._of_networks[network]

    def _refusal(self, limit: str, bound: int, whose: str) -> TooManyConnections:
        """Count a refusal, and log it if it is the first one in a while; return the error."""
        self._refused.labels(limit).inc()
        if self._clock() >= self._next_warning:
            self._next_warning = self._clock() + REFUSAL_WARNING_SECONDS
            log.warning("connections refused", limit=limit, bound=bound)
        message = f"{whose} has {bound:,} open connections: close idle ones, or retry later."
        return TooManyConnections(message, limit=limit, bound=bound)
