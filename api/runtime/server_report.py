"""Reports to the database which declaration this server uses.

`interlock deploy` waits until all servers report the declaration that it has applied.
"""

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import suppress
from importlib import metadata
from secrets import token_hex
from typing import Final

from prometheus_client.metrics_core import GaugeMetricFamily, InfoMetricFamily, Metric
from prometheus_client.registry import Collector

from api.runtime.background_tasks import BackgroundTask
from engine.errors import InterlockError
from engine.storage.postgres.databases import Databases
from engine.storage.resources.live_declaration import LiveDeclaration, read_live_declaration
from engine.storage.servers import REPORT_SECONDS, ServerReport, forget_server, report_server

_ID_BYTES: Final = 16


class ReportedDeclaration(Collector):
    """The declaration that all caches of this server contain.

    Attributes:
        used: the declaration, or an earlier one while the caches are being refreshed; None before
            the first refresh.

    """

    def __init__(self, databases: Databases) -> None:
        self._databases = databases
        self._id = token_hex(_ID_BYTES)
        self._changed = asyncio.Event()
        self._read_at = 0.0
        self.used: LiveDeclaration | None = None

    async def refresh(self, caches: Sequence[Callable[[], Awaitable[None]]]) -> None:
        """Refresh the caches, and note the declaration that they contain at least."""
        live = await read_live_declaration(self._databases.essential, self.used)
        for refresh_cache in caches:
            await refresh_cache()
        self._read_at = time.time()
        if live != self.used:
            self.used = live
            self._changed.set()

    @property
    def task(self) -> BackgroundTask:
        """The task that reports."""
        return BackgroundTask("server_report", self.report, self._wait)

    async def report(self) -> None:
        """Report the declaration, once it is known."""
        if self.used is None:
            return
        name, version = socket.gethostname(), metadata.version("interlock")
        report = ServerReport(name, version, self.used.digest)
        await report_server(self._databases.background, self._id, report)

    async def _wait(self) -> None:
        """Return when the declaration has changed, or the last report becomes old."""
        with suppress(TimeoutError):
            async with asyncio.timeout(REPORT_SECONDS):
                await self._changed.wait()
        self._changed.clear()

    async def withdraw(self) -> None:
        """Forget the report, because the server stops; if that fails, it soon becomes old."""
        with suppress(InterlockError):
            await forget_server(self._databases.background, self._id)

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics: the version, the digest of the declaration, and when it was read."""
        server = InfoMetricFamily("interlock_server", "The version of this server.")
        server.add_metric([], {"version": metadata.version("interlock")})
        yield server
        family = InfoMetricFamily(
            "interlock_declaration", "The SHA-256 of the declaration that this server uses."
        )
        if self.used is not None:
            family.add_metric([], {"digest": self.used.digest})
        yield family
        yield GaugeMetricFamily(
            "interlock_declaration_read_timestamp_seconds",
            "When this server last read the active declaration, in seconds since 1970.",
            self._read_at,
        )
