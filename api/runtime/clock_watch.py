"""Compares the clock of the server with that of the database.

The database sets the times of everything that is recorded. The server's own clock decides whether
a token is valid, for example, so the two should agree.
"""

import time
from collections.abc import Callable
from typing import Final, NamedTuple

import structlog
from prometheus_client import Gauge

from api.limits import CLOCK_DIFFERENCE_SECONDS
from api.runtime.background_tasks import BackgroundTask, every
from engine.storage.postgres.database import Database
from engine.storage.tickets.reader import read_clock

_CHECK_SECONDS: Final = 60

log: Final = structlog.get_logger(component="server")


class ClockDifference(NamedTuple):
    """How far the clock of a server is ahead of that of the database.

    Attributes:
        at_least: the absolute difference that is certain. The database reads its clock at some
            time during the request, so half of that duration does not count as a difference.

    """

    seconds: float
    at_least: float

    @property
    def is_too_large(self) -> bool:
        """Whether the clocks have to be synchronised."""
        return self.at_least > CLOCK_DIFFERENCE_SECONDS


async def measure_clock_difference(
    database: Database, clock: Callable[[], float] = time.time
) -> ClockDifference:
    """Compare a clock, in seconds since 1970, with that of a database."""
    asked_at = clock()
    database_at = (await read_clock(database)).timestamp()
    answered_at = clock()
    seconds = (asked_at + answered_at) / 2 - database_at
    return ClockDifference(seconds, abs(seconds) - (answered_at - asked_at) / 2)


class ClockWatch:
    """Measures by how much the clocks differ, and warns once about each time that it is too much.

    Args:
        database: whose clock is read.
        clock: of the server; returns the seconds since 1970.

    """

    def __init__(self, database: Database, clock: Callable[[], float] = time.time) -> None:
        self._database = database
        self._clock = clock
        self._is_wrong = False
        self._difference = Gauge(
            "interlock_clock_difference_seconds",
            "How far the clock of this server is ahead of the clock of the database.",
            registry=None,
        )
        self.collectors = (self._difference,)

    @property
    def task(self) -> BackgroundTask:
        """The task that compares the clocks."""
        return BackgroundTask("clock", self.check, every(_CHECK_SECONDS))

    async def check(self) -> None:
        """Compare the clocks."""
        difference = await measure_clock_difference(self._database, self._clock)
        self._difference.set(difference.seconds)
        is_wrong = difference.is_too_large
        if is_wrong and not self._is_wrong:
            log.warning(
                "the clocks of this server and of the database differ",
                seconds_ahead=round(difference.seconds, 3),
                what_to_do="synchronise both with NTP; see `Clocks` in docs/operations.md",
            )
        elif self._is_wrong and not is_wrong:
            log.info("the clocks agree again", seconds_ahead=round(difference.seconds, 3))
        self._is_wrong = is_wrong
