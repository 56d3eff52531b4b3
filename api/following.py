"""What a server knows of the rules is read again whenever somebody changes them."""

from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from engine.errors import Unavailable
from engine.storage.notices import CHANNEL, notices

REFRESH_SECONDS: Final = 30

log: Final = structlog.get_logger(component="following")

Refresh = Callable[[], Awaitable[None]]


async def follow(url: str, *refreshes: Refresh, at_least_every: float = REFRESH_SECONDS) -> None:
    """Call each of these whenever somebody reconciles or switches a plugin, for ever."""
    async for _ in notices(url, CHANNEL, at_least_every):
        try:
            for refresh in refreshes:
                await refresh()
        except Unavailable as error:
            log.warning("the rules could not be read again", reason=error.message)
