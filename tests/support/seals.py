"""Seal everything that a test recorded."""

import asyncio

from engine.sealing.seal import Seal
from engine.storage.history.seals import last_seal, read_unsealed, seal_log
from engine.storage.postgres.database import Database
from tests.support.lock_gates import TIMEOUT_SECONDS


async def seal_everything(database: Database) -> Seal:
    """Seal until nothing is unsealed; return the last seal.

    The server's own maintenance runs transactions, too, so rows can become readable late.
    """
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            await seal_log(database)
            async with database.snapshot() as session:
                if (await read_unsealed(session)).rows == 0:
                    return (await last_seal(session)).seal
