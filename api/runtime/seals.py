"""The background task that seals what is recorded; all servers share the work."""

from typing import Final

from prometheus_client import Gauge

from api.runtime.background_tasks import BackgroundTask, every
from engine.storage.history.seals import read_unsealed, seal_log
from engine.storage.postgres.database import Database

SEAL_SECONDS: Final = 2
"""How long a recorded row is usually unsealed."""


class Sealer:
    """Seals the log, and reports what is not sealed yet."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows = Gauge(
            "interlock_unsealed_rows",
            "Recorded rows that no seal covers yet.",
            registry=None,
        )
        self._seconds = Gauge(
            "interlock_unsealed_seconds",
            "How long the oldest row that no seal covers is recorded; 0 without such a row.",
            registry=None,
        )
        self.collectors = (self._rows, self._seconds)

    @property
    def task(self) -> BackgroundTask:
        """The task that seals."""
        return BackgroundTask("seals", self.seal, every(SEAL_SECONDS))

    async def seal(self) -> None:
        """Seal what can be sealed, unless another server does, and measure the rest."""
        await seal_log(self._database)
        async with self._database.snapshot() as session:
            unsealed = await read_unsealed(session)
        self._rows.set(unsealed.rows)
        self._seconds.set(unsealed.seconds)
