"""What a server does beside answering: it throws away what is not needed any more."""

import asyncio
from typing import Final

import structlog

from engine.errors import Unavailable
from engine.storage.database import Database
from engine.storage.idempotency import prune_keys

PRUNE_SECONDS: Final = 15 * 60

log: Final = structlog.get_logger(component="housekeeping")


async def forget_old_keys(database: Database) -> None:
    """Forget old idempotency keys now and then, for ever; replicas share the work."""
    while True:
        await asyncio.sleep(PRUNE_SECONDS)
        try:
            await prune_keys(database)
        except Unavailable as error:
            log.warning("old idempotency keys could not be forgotten", reason=error.message)
