"""The embedded PostgreSQL runs as long as a process uses it, and no longer."""

import asyncio
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import pytest

from tests.support.api_client import bearer
from tests.support.command import interlock_process
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.own_postgres import OS_GROUP, OS_USER
from tests.support.paths import ROOT
from tests.support.personas import ANNA
from tests.support.replicas import Replica, replica

TICKET = {"title": "Printer", "workflow": "service_request"}


def settings_of(folder: Path) -> dict[str, str]:
    return {"INTERLOCK_DATABASE_URL": "", "INTERLOCK_DATA_DIR": str(folder)}


def postmaster_of(folder: Path) -> int:
    """Return the process id of PostgreSQL's first process."""
    return int((folder / "postgresql" / "postmaster.pid").read_text("utf-8").split()[0])


async def wait_until_stopped(folder: Path) -> None:
    """Wait until PostgreSQL has shut down in order, which removes the file with its number."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            if not (folder / "postgresql" / "postmaster.pid").exists():
                return
            await asyncio.sleep(0.01)


@pytest.fixture
def folder() -> Iterator[Path]:
    """Return a data folder, not of pytest: another run can lock PostgreSQL out of those."""
    with TemporaryDirectory(ignore_cleanup_errors=True) as parent:
        yield Path(parent)


@pytest.fixture
async def served(folder: Path) -> AsyncIterator[Replica]:
    """Return a server on an embedded database."""
    async with replica("", settings_of(folder)) as running:
        yield running
    with suppress(FileNotFoundError, ProcessLookupError):
        os.kill(postmaster_of(folder), signal.SIGKILL)


@pytest.fixture
async def client(served: Replica) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(served.url, headers=bearer(ANNA)) as opened:
        yield opened


async def test_it_is_started_again_and_keeps_what_was_acknowledged(
    served: Replica, client: aiohttp.ClientSession, folder: Path
) -> None:
    for _ in range(2):
        async with client.post("/api/v1/tickets", json=TICKET) as response:
            ticket = (await response.json())["id"]
        killed = postmaster_of(folder)
        os.kill(killed, signal.SIGKILL)
        await served.wait_until_logged("the embedded PostgreSQL had ended and was started again")
        served.log.clear()
        await served.wait_until_ready()
        assert postmaster_of(folder) != killed
        async with client.get(f"/api/v1/tickets/{ticket}") as response:
            assert response.status == 200
    served.send_signal(signal.SIGTERM)
    assert await served.wait_until_ended() == 0
    await wait_until_stopped(folder)


async def test_it_stops_only_when_the_last_process_has_ended_or_was_killed(
    served: Replica, folder: Path
) -> None:
    postmaster = postmaster_of(folder)
    exported = await asyncio.to_thread(interlock_process, "export", env=settings_of(folder))
    assert exported.returncode == 0
    assert postmaster_of(folder) == postmaster
    await served.wait_until_ready()
    served.send_signal(signal.SIGKILL)
    await served.wait_until_ended()
    await wait_until_stopped(folder)
    exported = await asyncio.to_thread(interlock_process, "export", env=settings_of(folder))
    assert exported.returncode == 0
    await wait_until_stopped(folder)


async def test_a_folder_that_cannot_hold_a_database_is_one_clear_line(folder: Path) -> None:
    data = folder / "postgresql"
    data.mkdir()
    (data / "PG_VERSION").write_text("18\n", "utf-8")
    done = await asyncio.to_thread(interlock_process, "export", env=settings_of(folder))
    assert done.returncode == 1
    [line] = done.stderr.splitlines()
    assert line.startswith(f"interlock: INTERLOCK_DATA_DIR: {folder} cannot hold a database: ")
    assert f'could not access the server configuration file "{data}' in line


@pytest.fixture
def folder_of_others() -> Iterator[Path]:
    """Return a folder of another user, or of this one if this one is not root."""
    with TemporaryDirectory() as parent:
        folder = Path(parent)
        if os.geteuid() == 0:
            shutil.chown(folder, OS_USER, OS_GROUP)
        yield folder


def interlock_of_others(*words: str, env: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the command as another user, or as this one if this one is not root."""
    switch = ("setpriv", f"--reuid={OS_USER}", f"--regid={OS_GROUP}", "--clear-groups")
    user = switch if os.geteuid() == 0 else ()
    main = ("-c", "from api.cli.main import main; main()")
    packages = f"{ROOT}:{sysconfig.get_path('purelib')}"
    return subprocess.run(  # noqa: S603 - our own command
        [*user, python_of_others(user), *main, *words],
        cwd="/",
        env={"PATH": os.environ["PATH"], "PYTHONPATH": packages, **env},
        capture_output=True,
        text=True,
        check=False,
    )


@cache
def python_of_others(user: tuple[str, ...]) -> str:
    """Return an interpreter that another user can run: this one, or that of the system."""
    number = f"{sys.version_info.major}.{sys.version_info.minor}"
    for python in (str(Path(sys.executable).resolve()), f"/usr/bin/python{number}"):
        imports = [*user, "sh", "-c", 'exec "$0" -c "import ssl"', python]
        if subprocess.run(imports, capture_output=True, check=False).returncode == 0:  # noqa: S603 - ours
            return python
    missing = f"Another user cannot run Python {number}."
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)


def test_each_user_has_an_embedded_database(folder_of_others: Path) -> None:
    lock = folder_of_others / ".lockfile"
    lock.touch(0o600 if os.geteuid() == 0 else 0)
    env = {"INTERLOCK_DATA_DIR": str(folder_of_others / "data"), "TMPDIR": str(folder_of_others)}
    done = interlock_of_others("migrate", env=env)
    assert (done.returncode, done.stderr) == (0, "")
    assert (folder_of_others / "data" / "postgresql" / "PG_VERSION").exists()


def test_a_folder_of_another_user_is_named(folder: Path) -> None:
    folder.chmod(0o500)  # the folders around it are closed to others
    done = interlock_of_others("migrate", env={"INTERLOCK_DATA_DIR": str(folder / "data")})
    assert done.returncode == 1
    assert done.stderr.startswith(f"interlock: INTERLOCK_DATA_DIR: {folder}/data cannot hold a")
    assert "Permission denied" in done.stderr
