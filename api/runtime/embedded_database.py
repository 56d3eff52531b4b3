"""Keeps the embedded PostgreSQL server running while a server uses it."""

import asyncio
from functools import partial
from typing import Final

import structlog

from api.runtime.background_tasks import BackgroundTask, every
from engine.storage.postgres.embedded import EmbeddedServer

_CHECK_SECONDS: Final = 1

log: Final = structlog.get_logger(component="database")


def embedded_database_task(embedded: EmbeddedServer) -> BackgroundTask:
    """Return the task that starts the embedded server again after it has ended."""
    return BackgroundTask(
        "embedded_database", partial(_keep_running, embedded), every(_CHECK_SECONDS)
    )


async def _keep_running(embedded: EmbeddedServer) -> None:
    if await asyncio.to_thread(embedded.ensure_running):
        log.warning("the embedded PostgreSQL had ended and was started again")
