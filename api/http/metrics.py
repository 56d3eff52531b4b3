"""Prometheus metrics of requests. No label has values that clients choose."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from enum import StrEnum
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

from api.http.paths import METRICS_PATH, PROBE_PATHS
from api.http.rate_limiter import TokenBuckets
from api.limits import METRICS_BURST, METRICS_RATE
from engine.errors import TooManyRequests

UNROUTED: Final = "unmatched"
"""The route of requests that match none, or that are refused before they are routed."""
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_OTHER_METHOD: Final = "other"
_SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Interface(StrEnum):
    """What a request uses."""

    GRAPHQL = "graphql"
    REST = "rest"
    WEB = "web"
    PROBES = "probes"
    NONE = "none"
    """The request matches no route."""


_PREFIXES: Final = {"/graphql": Interface.GRAPHQL, "/api/": Interface.REST}
"""The beginning of routes; all others are pages of the web UI and their files."""


@cache
def _interface_of(route: str) -> Interface:
    """Return the interface to which a route belongs."""
    if route == UNROUTED:
        return Interface.NONE
    if route in PROBE_PATHS:
        return Interface.PROBES
    found = (each for prefix, each in _PREFIXES.items() if route.startswith(prefix))
    return next(found, Interface.WEB)


class Metrics:
    """The metrics of one server process: those of requests, and additional collectors."""

    def __init__(self, collectors: Iterable[Collector] = ()) -> None:
        self._renderings = TokenBuckets("metrics", METRICS_RATE, METRICS_BURST)
        self._rendered = b""
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        for collector in collectors:
            self.registry.register(collector)
        requests = Counter(
            "interlock_http_requests",
            "HTTP requests.",
            ["interface", "route", "method", "status"],
            registry=self.registry,
        )
        seconds = Histogram(
            "interlock_http_request_duration_seconds",
            "Seconds from the headers of a request to its response.",
            ["interface", "route", "method"],
            buckets=_SECONDS_BUCKETS,
            registry=self.registry,
        )

        # `labels` takes a lock, and converts its arguments to text.
        self._requests: Callable[..., Counter] = cache(requests.labels)
        self._seconds: Callable[..., Histogram] = cache(seconds.labels)

    def observe(self, route: str, method: str, status: int, seconds: float | None) -> None:
        """Count one request.

        Args:
            route: a template such as `/tickets/{id}`, never a path; or `UNROUTED`.
            method: the HTTP method.
            status: the status of the response.
            seconds: the duration; None for a stream, whose duration the client decides.

        """
        label = method if method in _METHODS else _OTHER_METHOD
        interface = _interface_of(route)
        self._requests(interface, route, label, status).inc()
        if seconds is not None:
            self._seconds(interface, route, label).observe(seconds)

    def exposition(self) -> bytes:
        """Return all metrics in the Prometheus text format.

        Rendering takes milliseconds, and needs no credentials. So a flood of requests gets metrics
        that are up to half a second old.
        """
        with suppress(TooManyRequests):
            self._renderings.acquire(METRICS_PATH)
            self._rendered = generate_latest(self.registry)
        return self._rendered
