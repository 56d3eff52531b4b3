"""Builds from the settings what traces requests."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from api.settings import Settings
from engine.errors import Misconfigured

if TYPE_CHECKING:
    from api.http.tracing import Tracing


@asynccontextmanager
async def open_tracing(settings: Settings) -> AsyncIterator["Tracing | None"]:
    """Yield what traces requests, and send the last spans at the end; None without a receiver.

    Raises:
        Misconfigured: a receiver is set, but OpenTelemetry is not installed.

    """
    if settings.traces_url is None:
        yield None
        return
    if find_spec("opentelemetry") is None:
        raise Misconfigured(
            "INTERLOCK_TRACES_URL is set, and OpenTelemetry is not installed. Install"
            " `interlock[tracing]`."
        )
    from api.http.tracing import Tracing  # noqa: PLC0415 - an extra

    tracing = Tracing(settings.traces_url.get_secret_value(), settings.traces_share)
    try:
        yield tracing
    finally:
        await asyncio.to_thread(tracing.close)
