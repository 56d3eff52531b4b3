"""Counts and times of requests, for Prometheus. No label takes its values from clients."""

from collections.abc import Iterable
from functools import cache
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector
from prometheus_client.exposition import generate_latest
from prometheus_client.registry import Collector

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
OTHER_METHOD: Final = "other"
SECONDS_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one server process: of its requests, and what `collectors` measure."""

    def __init__(self, collectors: Iterable[Collector] = ()) -> None:
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        for collector in collectors:
            self._registry.register(collector)
        requests = Counter(
            "interlock_http_requests",
            "Requests answered.",
            ["route", "method", "status"],
            registry=self._registry,
        )
        seconds = Histogram(
            "interlock_http_request_duration_seconds",
            "Seconds from a request's headers to its answer.",
            ["route", "method"],
            buckets=SECONDS_BUCKETS,
            registry=self._registry,
        )

        @cache
        def meters(route: str, method: str, status: int) -> tuple[Counter, Histogram]:
            return requests.labels(route, method, status), seconds.labels(route, method)

        self._meters = meters

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request. `route` is a template such as `/tickets/{id}`, never a path."""
        known = method if method in METHODS else OTHER_METHOD
        requests, times = self._meters(route, known, status)
        requests.inc()
        times.observe(seconds)

    def exposition(self) -> bytes:
        """Return every metric in the text format of Prometheus."""
        return generate_latest(self._registry)
