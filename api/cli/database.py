"""Opens the database of the settings for commands that only read."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from api.settings import Settings

if TYPE_CHECKING:
    from engine.storage.postgres.database import Session


@asynccontextmanager
async def open_snapshot() -> "AsyncIterator[Session]":
    """Open a read-only transaction that reads one snapshot of the database."""
    from api.bootstrap.engine import open_current

    async with (
        open_current(Settings.from_env(os.environ)) as engine,
        engine.database.snapshot() as session,
    ):
        yield session
