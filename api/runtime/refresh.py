"""What a server knows of the rules is read again whenever somebody changes them."""

from collections.abc import Awaitable, Callable
from typing import Final

from api.runtime.jobs import attempt
from engine.storage.postgres.notifications import CHANNEL, notices

REFRESH_SECONDS: Final = 30

Refresh = Callable[[], Awaitable[None]]


async def follow(url: str, *refreshes: Refresh, at_least_every: float = REFRESH_SECONDS) -> None:
    """Call each of these whenever somebody reconciles or switches a plugin, for ever."""

    async def refresh_all() -> None:
        for refresh in refreshes:
            await refresh()

    async for _ in notices(url, CHANNEL, at_least_every):
        await attempt(refresh_all, "the rules could not be read again")
