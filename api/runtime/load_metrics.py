"""Prometheus metrics of connections to the database, and of requests that wait for something."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from engine.storage.postgres.databases import Databases
from engine.storage.postgres.slots import KeyedSlots, Slots
from engine.storage.tickets.admission import Admission


@dataclass(frozen=True, slots=True, eq=False)  # a registry needs a hash
class LoadMetrics(Collector):
    """The metrics of one server, as they are when they are collected."""

    databases: Databases
    admission: Admission

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics."""
        in_use = GaugeMetricFamily(
            "interlock_database_connections_in_use",
            "Connections to the database that are in use.",
            labels=["kind"],
        )
        limit = GaugeMetricFamily(
            "interlock_database_connections_limit",
            "Connections to the database that a kind of work can use.",
            labels=["kind"],
        )
        waiting = GaugeMetricFamily(
            "interlock_requests_waiting",
            "Requests that wait for a connection, or for other changes of a viewer or a subject.",
            labels=["queue"],
        )
        refused = CounterMetricFamily(
            "interlock_requests_refused",
            "Requests that would have waited too long for these.",
            labels=["queue"],
        )
        pools = {kind: each.pool.slots for kind, each in self.databases.by_kind.items()}
        for kind, slots in pools.items():
            in_use.add_metric([kind], slots.in_use)
            limit.add_metric([kind], slots.size)
        queues: dict[str, Slots | KeyedSlots] = {
            **pools,
            "viewer": self.admission.viewers,
            "subject": self.admission.subjects,
        }
        for queue, waited_for in queues.items():
            waiting.add_metric([queue], waited_for.waiting)
            refused.add_metric([queue], waited_for.refused)
        yield from (in_use, limit, waiting, refused)
