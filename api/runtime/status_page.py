"""The content of the status page, kept in memory: it outlives the database."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from api.runtime.background_tasks import BackgroundTask, every
from engine.errors import NotFound, Unavailable
from engine.outages.status_page import StatusContent, status_content
from engine.storage.outages.status_page import read_status_facts
from engine.storage.postgres.database import Database

REFRESH_SECONDS: Final = 5
STALE_SECONDS: Final = 30
"""The age from which the page says that its state is not current."""


class StatusPageState:
    """Reads the content of the page again and again; keeps the last one if that fails.

    Args:
        database: where the content is read.
        clock: a monotonic clock in seconds.

    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.monotonic) -> None:
        self._database = database
        self._clock = clock
        self._content: StatusContent | None = None
        self._read_at: float | None = None

    @property
    def task(self) -> BackgroundTask:
        """The task that keeps the content current."""
        return BackgroundTask("status_page", self.refresh, every(REFRESH_SECONDS))

    async def refresh(self) -> None:
        """Read the content."""
        facts = await read_status_facts(self._database)
        self._content = None if facts is None else await asyncio.to_thread(status_content, facts)
        self._read_at = self._clock()

    @property
    def content(self) -> StatusContent:
        """The last content that was read.

        Raises:
            NotFound: the page is off.
            Unavailable: nothing was read yet.

        """
        if self._read_at is None:
            raise Unavailable("The status page is not available yet. Try again in a minute.")
        if self._content is None:
            raise NotFound("There is no status page here.")
        return self._content

    @property
    def is_stale(self) -> bool:
        """Whether the content could not be read for a while."""
        return self._read_at is None or self._clock() - self._read_at > STALE_SECONDS
