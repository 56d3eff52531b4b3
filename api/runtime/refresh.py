"""Refreshes the caches of a server when a reconciliation or a plugin switch is notified."""

from collections.abc import Awaitable, Callable
from typing import Final

from api.runtime.jobs import run_logged
from engine.storage.postgres.notifications import CHANNEL, listen

REFRESH_SECONDS: Final = 30

Refresh = Callable[[], Awaitable[None]]


async def follow(url: str, *refreshes: Refresh, at_least_every: float = REFRESH_SECONDS) -> None:
    """Call all refreshes after each notification, and at least every `at_least_every` seconds."""

    async def refresh_all() -> None:
        for refresh in refreshes:
            await refresh()

    async for _ in listen(url, CHANNEL, at_least_every):
        await run_logged(refresh_all, "caches could not be refreshed")
