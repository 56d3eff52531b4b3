"""What time brings by itself: missed targets are noted, and quiet tickets closed."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import count
from typing import Final

import structlog

from api.plugins import LivePlugins
from engine.errors import Unavailable
from engine.plugins import Plugin
from engine.storage.breaches import sweep_due_times
from engine.storage.closings import close_quiet_tickets
from engine.storage.database import Database

SWEEP_SECONDS: Final = 1
"""A transition leaves due times behind that are stale for so long, and a breach waits so long."""
SWEEPS_PER_CLOSING: Final = 10
"""A grace period is days long: a few seconds more don't matter."""

log: Final = structlog.get_logger(component="timekeeping")


@dataclass(frozen=True, slots=True)
class Timekeeping:
    """Does what is due, while ticketing is on; replicas share the work."""

    database: Database
    plugins: LivePlugins

    async def go_on(self, every: float = SWEEP_SECONDS) -> None:
        """Do what is due every so many seconds, for ever."""
        for sweeps in count():
            await asyncio.sleep(every)
            await self.attempt(sweep_due_times)
            if sweeps % SWEEPS_PER_CLOSING == 0:
                await self.attempt(close_quiet_tickets)

    async def attempt(self, sweep: Callable[[Database], Awaitable[int]]) -> None:
        """Do one kind of work; the log tells what fails."""
        if not self.plugins.is_on(Plugin.TICKETING):
            return
        try:
            await sweep(self.database)
        except Unavailable as error:
            log.warning("tickets could not be swept", reason=error.message)
        except Exception:  # whatever it is, the next time comes
            log.exception("tickets could not be swept")
