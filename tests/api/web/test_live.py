"""The streams of pages."""

import asyncio
from dataclasses import replace

import aiohttp

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.http.server import ServerOptions, listening
from api.settings import Settings
from tests.support.api_client import bearer
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.personas import ANNA


async def test_a_page_that_was_left_has_no_stream(engine: EngineHandle, settings: Settings) -> None:
    """Each stream is a request in progress, and their number is limited."""
    limits = replace(settings.limits, http=replace(settings.limits.http, viewer_requests=1))
    settings = settings.model_copy(update={"limits": limits})
    # Not aiohttp's test server: it cancels handlers when their client disconnects.
    async with (
        open_application_on(engine, settings) as application,
        listening(application, ServerOptions()) as url,
        aiohttp.ClientSession(url, headers=bearer(ANNA)) as client,
    ):
        async with client.get("/events?ticket=") as stream:
            assert stream.status == 200
            async with client.get("/workflows") as page:
                assert page.status == 429
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                async with client.get("/workflows") as page:
                    if page.status == 200:
                        break
