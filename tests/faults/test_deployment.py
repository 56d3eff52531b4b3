"""A deployment is complete when all servers use it: new ones, frozen ones, not stopped ones."""

import asyncio
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.storage.postgres.database import open_database
from engine.storage.servers import read_running_servers
from tests.support.background_work import until
from tests.support.command import interlock, on
from tests.support.databases import EMPTY, SERVER_ROLE, as_server, new_database
from tests.support.replicas import replica

WAITING = {"INTERLOCK_DATABASE_SCHEMA": "wait"}


@pytest.fixture
async def owner_url(template: str) -> AsyncIterator[str]:
    """Return the address, for its owner, of a database without a schema."""
    async with new_database(template, EMPTY) as url:
        yield url


async def deploy(url: str, file: Path, *options: str) -> tuple[int, str]:
    """Deploy a file; return the exit code and everything that was printed."""
    words = ("deploy", "-f", str(file), "--grant-to", SERVER_ROLE, *options)
    done = await asyncio.to_thread(lambda: interlock(*words, env=on(url)))
    return done.returncode, done.stdout + done.stderr


async def test_servers_and_the_job_start_together_and_each_change_reaches_all_servers(
    owner_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "values.yaml"
    file.write_text("ticketing: {groups: [a]}", "utf-8")
    job = asyncio.create_task(deploy(owner_url, file, "--servers", "1"))
    async with replica(as_server(owner_url), WAITING) as server:
        code, printed = await job
        assert code == 0, printed
        assert " uses it (Interlock " in printed.splitlines()[-1]

        file.write_text("ticketing: {groups: [b]}", "utf-8")
        server.send_signal(signal.SIGSTOP)
        code, printed = await deploy(owner_url, file, "--timeout", "0")
        assert code == 1
        assert "1 server of 1 still use another declaration" in printed
        server.send_signal(signal.SIGCONT)
        code, printed = await deploy(owner_url, file, "--servers", "1")
        assert code == 0, printed
        assert "no changes" in printed

        server.send_signal(signal.SIGTERM)
        await server.wait_until_ended()
    async with open_database(owner_url) as database:

        async def is_forgotten() -> bool:
            return not await read_running_servers(database)

        await until(is_forgotten)
    code, printed = await deploy(owner_url, file)
    assert code == 0, printed
