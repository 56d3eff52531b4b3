"""PgBouncer in transaction mode, with the defaults of its Debian package."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from subprocess import DEVNULL
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg
import pytest

from tests.support.haproxy import free_ports
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.own_postgres import OS_GROUP, OS_USER, USER, OwnPostgres

_CONFIGURATION: Final = """
[databases]
* = host=127.0.0.1 port={postgres}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = trust
auth_file = {folder}/users
pool_mode = transaction
default_pool_size = 5
"""
"""Few server connections, so that transactions of one client run in different sessions."""


@asynccontextmanager
async def pgbouncer(postgres: OwnPostgres) -> AsyncIterator[str]:
    """Run PgBouncer in front of a server during the block; yield the address of its database.

    If it is not installed, the calling test is skipped; in CI it fails.
    """
    command = shutil.which("pgbouncer", path=f"{os.environ['PATH']}:/usr/sbin")
    if command is None:
        missing = "pgbouncer is not on the PATH."
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    [port] = free_ports(1)
    with TemporaryDirectory() as folder:
        _write_files(Path(folder), postgres.port, port)
        as_user: tuple[str, ...] = ()
        if os.geteuid() == 0:  # PgBouncer refuses to run as root
            as_user = ("setpriv", f"--reuid={OS_USER}", f"--regid={OS_GROUP}", "--clear-groups")
        process = await asyncio.create_subprocess_exec(
            *as_user, command, f"{folder}/pgbouncer.ini", stdout=DEVNULL, stderr=DEVNULL
        )
        url = f"postgresql://{USER}@127.0.0.1:{port}/postgres"
        try:
            await _wait_until_listening(url)
            yield url
        finally:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()


def _write_files(folder: Path, postgres: int, port: int) -> None:
    configuration = _CONFIGURATION.format(postgres=postgres, port=port, folder=folder)
    (folder / "pgbouncer.ini").write_text(configuration)
    (folder / "users").write_text(f'"{USER}" ""\n')
    if os.geteuid() == 0:
        for each in (folder, *folder.iterdir()):
            shutil.chown(each, OS_USER, OS_GROUP)


async def _wait_until_listening(url: str) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            with suppress(OSError):
                await (await asyncpg.connect(url)).close()
                return
            await asyncio.sleep(0.01)
