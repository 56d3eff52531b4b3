"""Watches whether the database still contains the changes that this server has seen.

Subscribers notice a loss by their positions. This reports it to the operator, also without any
subscribers: receivers of webhooks, and others that copy data, can have changes that are lost.
"""

from collections.abc import Callable
from typing import Final

import structlog
from prometheus_client import Counter

from api.runtime.background_tasks import BackgroundTask, every
from engine.errors import PositionLost
from engine.storage.history.log import check_position, log_end
from engine.storage.history.position import Position
from engine.storage.postgres.database import Database

_CHECK_SECONDS: Final = 1

log: Final = structlog.get_logger(component="changes")


class LogWatch:
    """Remembers the end of the log, and checks that the log still contains it.

    Attributes:
        on_loss: called after each loss.

    """

    def __init__(self, database: Database) -> None:
        self._database = database
        self._position: Position | None = None
        self.on_loss: list[Callable[[], None]] = []
        self._rewinds = Counter(
            "interlock_log_rewinds",
            "Times that the database no longer contained changes that the server had seen.",
            registry=None,
        )
        self.collectors = (self._rewinds,)

    @property
    def task(self) -> BackgroundTask:
        """The task that checks the log."""
        return BackgroundTask("log_watch", self.check, every(_CHECK_SECONDS))

    async def check(self) -> None:
        """Report a loss, and remember the end of the log."""
        position = self._position
        if position is not None:
            try:
                await check_position(self._database, position)
            except PositionLost:
                if self._position is position:  # not reported meanwhile
                    self.report_loss(position)
        self._position = await log_end(self._database)

    def report_loss(self, position: Position) -> None:
        """Report that a position is lost, and forget the own one, so that it is reported once."""
        self._position = None
        self._rewinds.inc()
        log.error(
            "the database lost changes",
            position=str(position),
            what_to_do="see `Fail-over and older copies` in docs/operations.md",
        )
        for each in self.on_loss:
            each()
