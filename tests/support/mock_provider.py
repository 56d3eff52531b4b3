"""oidc-provider-mock, an OpenID provider with pages for browsers, as a process of its own."""

import asyncio
import json
import re
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from engine.tickets.actor import Actor
from tests.support.lock_gates import TIMEOUT_SECONDS

_RUNNING: Final = re.compile(rb"Uvicorn running on (http://127\.0\.0\.1:\d+) ")


@asynccontextmanager
async def mock_provider(*users: Actor) -> AsyncIterator[str]:
    """Run a provider with these users during the block, and yield its issuer."""
    options = ["--port", "0", "--require-nonce"]
    for user in users:
        claims = {
            "sub": user.id,
            "name": user.name,
            "groups": sorted(user.groups),
            "admin": user.is_admin,
        }
        options += ["--user-claims", json.dumps(claims)]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", *options),
        stderr=asyncio.subprocess.PIPE,
    )
    assert process.stderr
    try:
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while not (running := _RUNNING.search(line := await process.stderr.readline())):
                assert line, "The provider ended."
        drain = asyncio.create_task(process.stderr.read())
        yield running[1].decode()
    finally:
        process.terminate()
        await process.wait()
    await drain
