"""Replicas: real `interlock serve` processes, which tests stop, freeze and kill."""

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from yarl import URL

from tests.support.api_client import SECRET
from tests.support.lock_gates import TIMEOUT_SECONDS

SERVE: Final = (sys.executable, "-c", "from api.cli.main import main; main()", "serve")
NO_SETTINGS: Final[Mapping[str, str]] = {}
UNLIMITED: Final = {"INTERLOCK_LIMITS": "viewer_rate=0 address_rate=0"}
"""The settings of a server that does not count the time of its viewers, even while it is frozen."""


@dataclass
class Replica:
    """A server process.

    Attributes:
        url: where it listens.
        log: its log so far; each line is one event.

    """

    process: asyncio.subprocess.Process
    url: str
    log: list[dict[str, Any]]

    @property
    def problems(self) -> list[dict[str, Any]]:
        """The lines of the log above `info`; the database of the tests is fast, not durable."""
        return [
            line
            for line in self.log
            if line["level"] not in {"debug", "info"}
            and line["event"] != "acknowledged changes can be lost"
        ]

    def send_signal(self, number: signal.Signals) -> None:
        """Send a signal: SIGTERM to stop, SIGKILL, or SIGSTOP and SIGCONT to freeze and resume."""
        self.process.send_signal(number)

    async def wait_until_ended(self) -> int:
        """Wait until the process ends; return its exit code."""
        async with asyncio.timeout(2 * TIMEOUT_SECONDS):
            return await self.process.wait()

    async def wait_until_logged(
        self, event: str, count: int = 1, **fields: object
    ) -> dict[str, Any]:
        """Wait until the log contains so many events with these fields; return the first line."""
        expected = {"event": event, **fields}
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while True:
                lines = [line for line in self.log if expected.items() <= line.items()]
                if len(lines) >= count:
                    return lines[0]
                await asyncio.sleep(0.01)

    async def wait_until_ready(self, status: int = 200) -> None:
        """Wait until the readiness probe answers with a status."""
        async with asyncio.timeout(2 * TIMEOUT_SECONDS), aiohttp.ClientSession() as session:
            while True:
                async with session.get(f"{self.url}/readyz") as response:
                    if response.status == status:
                        return
                await asyncio.sleep(0.01)


@asynccontextmanager
async def replica(
    database_url: str,
    settings: Mapping[str, str] = NO_SETTINGS,
    descriptors: int | None = None,
    command: Sequence[str] = SERVE,
) -> AsyncIterator[Replica]:
    """Run `interlock serve` on a free port during the block; kill it at the end.

    Args:
        database_url: the database.
        settings: environment variables in addition to the database, the secret and the port.
        descriptors: the hard limit of file descriptors; None for that of the tests.
        command: runs the server, by default with the code and the packages of the tests.

    """
    environment = {
        **os.environ,
        "INTERLOCK_DATABASE_URL": database_url,
        "INTERLOCK_JWT_SECRET": SECRET.get_secret_value(),
        "INTERLOCK_PORT": "0",
        "INTERLOCK_DRAIN_SECONDS": "0",
        "INTERLOCK_LOG_FORMAT": "json",
        "PYTHONUNBUFFERED": "1",
        **settings,
    }
    process = await asyncio.create_subprocess_exec(
        *([] if descriptors is None else ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh"]),
        *command,
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    log: list[dict[str, Any]] = []
    reading = asyncio.create_task(_read_log(process, log))
    try:
        yield Replica(process, await _url_of(process, log), log)
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
        await reading


async def _url_of(process: asyncio.subprocess.Process, log: list[dict[str, Any]]) -> str:
    assert process.stdout
    async with asyncio.timeout(2 * TIMEOUT_SECONDS):
        async for line in process.stdout:
            for word in line.decode().split():
                if word.startswith("http://"):
                    return str(URL(word.rstrip(".")).origin())
    raise AssertionError(f"the replica ended before it served: {log}")


async def _read_log(process: asyncio.subprocess.Process, log: list[dict[str, Any]]) -> None:
    """Collect the lines of the log; a line that is not JSON is an event of its own."""
    assert process.stderr
    async for line in process.stderr:
        text = line.decode().rstrip()
        try:
            log.append(json.loads(text))
        except ValueError:
            log.append({"event": text, "level": "none"})
