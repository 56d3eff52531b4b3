"""A Patroni cluster: on each machine etcd, Patroni and the PostgreSQL that Patroni runs."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from subprocess import STDOUT
from tempfile import TemporaryDirectory
from typing import Any, Final

import aiohttp
import yaml

from tests.support.network_namespaces import Machine, machines

TTL_SECONDS: Final = 20
"""After that, a primary that has not renewed its lock loses it: the shortest that Patroni takes."""
_DURATION_SECONDS_MAX: Final = 120
_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - memory, so that etcd does not wait for a disk
_OS_USER: Final = "postgres"
_PACKAGED_BINARIES: Final = Path("/usr/lib/postgresql")
_POSTGRES_PORT: Final = 5432
REST_PORT: Final = 8008


@dataclass(frozen=True)
class Node:
    """A machine of the cluster.

    Attributes:
        folder: contains its configuration, its data and its logs.
        peers: all machines of the cluster.
        synchronous: whether a commit waits for a standby.

    """

    machine: Machine
    folder: Path
    peers: Sequence[Machine]
    synchronous: bool

    async def start(self) -> None:
        """Start etcd and Patroni, also after all processes were killed."""
        (self.folder / "patroni.yaml").write_text(yaml.safe_dump(self._patroni_settings()))
        await self._start("etcd", "etcd", *self._etcd_options())
        await self._start("patroni", "patroni", str(self.folder / "patroni.yaml"))

    async def status(self) -> dict[str, Any]:
        """Return what Patroni reports, such as `role` and `state`; {} if it does not respond."""
        url = f"http://{self.machine.client_address}:{REST_PORT}/patroni"
        timeout = aiohttp.ClientTimeout(2)
        with suppress(aiohttp.ClientError, TimeoutError):
            async with aiohttp.ClientSession(timeout=timeout) as session, session.get(url) as reply:
                status: dict[str, Any] = await reply.json()
                return status
        return {}

    @property
    def log(self) -> str:
        """The end of what Patroni has logged."""
        return (self.folder / "patroni.log").read_text()[-4000:]

    async def _start(self, name: str, *command: str) -> None:
        with (self.folder / f"{name}.log").open("ab") as log:
            await asyncio.create_subprocess_exec(
                *self.machine.command(
                    *("setpriv", f"--reuid={_OS_USER}", f"--regid={_OS_USER}", "--clear-groups"),
                    *command,
                ),
                cwd=self.folder,
                stdout=log,
                stderr=STDOUT,
            )

    def _etcd_options(self) -> Sequence[str]:
        own = self.machine.cluster_address
        members = (f"{each.name}=http://{each.cluster_address}:2380" for each in self.peers)
        return (
            *("--name", self.machine.name),
            *("--data-dir", str(self.folder / "etcd")),
            *("--listen-peer-urls", f"http://{own}:2380"),
            *("--initial-advertise-peer-urls", f"http://{own}:2380"),
            *("--listen-client-urls", f"http://{own}:2379"),
            *("--advertise-client-urls", f"http://{own}:2379"),
            *("--heartbeat-interval", "250", "--election-timeout", "2500"),
            *("--initial-cluster", ",".join(members)),
        )

    def _patroni_settings(self) -> dict[str, object]:
        own = self.machine.cluster_address
        user = {"username": "postgres", "password": "postgres"}
        return {
            "scope": "interlock",
            "name": self.machine.name,
            "restapi": {
                "listen": f"0.0.0.0:{REST_PORT}",
                "connect_address": f"{own}:{REST_PORT}",
            },
            "etcd3": {"hosts": [f"{each.cluster_address}:2379" for each in self.peers]},
            "bootstrap": {
                "dcs": {
                    "ttl": TTL_SECONDS,
                    "loop_wait": 2,
                    "retry_timeout": 5,
                    "synchronous_mode": self.synchronous,
                    "synchronous_mode_strict": self.synchronous,
                    "postgresql": {"use_pg_rewind": True},
                },
                "initdb": [{"encoding": "UTF8"}, "data-checksums", "no-sync"],
            },
            "postgresql": {
                "listen": f"0.0.0.0:{_POSTGRES_PORT}",
                "connect_address": f"{own}:{_POSTGRES_PORT}",
                "data_dir": str(self.folder / "data"),
                "bin_dir": str(_binaries()),
                "pgpass": str(self.folder / "pgpass"),
                "basebackup": [{"checkpoint": "fast"}],
                "authentication": {"superuser": user, "replication": user},
                "pg_hba": [
                    "local all all trust",
                    "host all all 0.0.0.0/0 trust",
                    "host replication all 0.0.0.0/0 trust",
                ],
                "parameters": {"unix_socket_directories": str(self.folder)},
                "remove_data_directory_on_diverged_timelines": True,
                "remove_data_directory_on_rewind_failure": True,
            },
        }


@dataclass(frozen=True)
class Cluster:
    """Three nodes, one of which is the primary.

    Attributes:
        nodes: all of them.

    """

    nodes: Sequence[Node]

    @property
    def url(self) -> str:
        """The address of the database, with all hosts; leads to the primary."""
        hosts = ",".join(f"{each.machine.client_address}:{_POSTGRES_PORT}" for each in self.nodes)
        return f"postgresql://postgres@{hosts}/postgres?target_session_attrs=read-write"

    async def primary(self, other_than: Node | None = None) -> Node:
        """Wait for a primary, and return it."""
        async with self._patience("there is no primary"):
            while True:
                for node in self.nodes:
                    status = await node.status()
                    if node is not other_than and (status.get("role"), status.get("state")) == (
                        "master",
                        "running",
                    ):
                        return node
                await asyncio.sleep(0.2)

    @asynccontextmanager
    async def _patience(self, problem: str) -> AsyncIterator[None]:
        """Fail with the logs of all nodes if the block takes too long."""
        try:
            async with asyncio.timeout(_DURATION_SECONDS_MAX):
                yield
        except TimeoutError as error:
            logs = "\n".join(f"{each.machine.name}:\n{each.log}" for each in self.nodes)
            raise AssertionError(f"{problem}\n{logs}") from error

    async def _can_fail_over(self) -> bool:
        """Return whether etcd names a synchronous standby; PostgreSQL has one earlier."""
        statuses = [await each.status() for each in self.nodes]
        return not self.nodes[0].synchronous or any(each.get("sync_standby") for each in statuses)

    async def wait_until_complete(self) -> None:
        """Wait until all standbys follow the primary, one of them synchronously if required."""
        async with self._patience("standbys do not follow the primary"):
            while True:
                primary = await self.primary()
                standbys = (await primary.status()).get("replication", ())
                streaming = [each for each in standbys if each["state"] == "streaming"]
                if len(streaming) == len(self.nodes) - 1 and await self._can_fail_over():
                    return
                await asyncio.sleep(0.2)


@asynccontextmanager
async def patroni_cluster(count: int = 3, *, synchronous: bool) -> AsyncIterator[Cluster]:
    """Run a cluster during the block."""
    async with AsyncExitStack() as stack:
        root = Path(
            stack.enter_context(TemporaryDirectory(dir=_MEMORY, ignore_cleanup_errors=True))
        )
        await asyncio.to_thread(root.chmod, 0o755)
        peers = await stack.enter_async_context(machines(count))
        nodes = []
        for machine in peers:
            folder = root / machine.name
            folder.mkdir(mode=0o700)
            shutil.chown(folder, _OS_USER, _OS_USER)
            nodes.append(Node(machine, folder, peers, synchronous))
        for node in nodes:
            await node.start()
        cluster = Cluster(nodes)
        await cluster.wait_until_complete()
        yield cluster


def _binaries() -> Path:
    """Return the newest PostgreSQL that Debian's packages installed."""
    *_, newest = sorted(_PACKAGED_BINARIES.glob("*/bin/postgres"), key=lambda each: each.parts[-3])
    return newest.parent


def missing_requirements() -> str:
    """Return what this machine lacks to run a cluster; an empty text if it lacks nothing."""
    path = f"{os.environ['PATH']}:/usr/sbin"
    missing = [
        each
        for each in ("ip", "etcd", "patroni", "haproxy")
        if shutil.which(each, path=path) is None
    ]
    if not any(_PACKAGED_BINARIES.glob("*/bin/postgres")):
        missing.append("Debian's PostgreSQL")
    if os.geteuid() != 0:
        missing.append("root, who creates network namespaces")
    return f"Missing: {', '.join(missing)}." if missing else ""
