"""HAProxy in front of replicas: a load balancer that follows their readiness probes."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from csv import DictReader
from dataclasses import dataclass
from pathlib import Path
from socket import socket
from subprocess import DEVNULL
from tempfile import TemporaryDirectory
from typing import Final

import aiohttp
import pytest

from tests.support.lock_gates import TIMEOUT_SECONDS

_CONFIGURATION: Final = """
global
  maxconn 256
defaults
  mode http
  timeout check 5s
  timeout connect 5s
  timeout client 30s
  timeout server 30s
  option httpchk GET /readyz
  default-server check inter 100ms fall 1 rise 1
listen with_retries
  bind 127.0.0.1:{with_retries}
  retries 3
  option redispatch
  {servers}
listen without_retries
  bind 127.0.0.1:{without_retries}
  retries 0
  {servers}
frontend status
  bind 127.0.0.1:{status}
  stats enable
  stats uri /
"""
_PRIMARY_CONFIGURATION: Final = """
global
  maxconn 256
defaults
  mode tcp
  timeout check 2s
  timeout connect 2s
  timeout client 30m
  timeout server 30m
listen primary
  bind 127.0.0.1:{port}
  option httpchk GET /primary
  default-server check port {check_port} inter 1s fall 3 rise 1 on-marked-down shutdown-sessions
  {servers}
"""
"""As in docs/high-availability.md."""


@dataclass(frozen=True)
class HAProxy:
    """A running HAProxy; its two listeners differ only in what they do after a failed connection.

    Attributes:
        with_retries, without_retries: the addresses of the listeners.
        status: the address of the page with the states of the servers.

    """

    with_retries: str
    without_retries: str
    status: str

    async def wait_until_up(self, port: int) -> None:
        """Wait until both listeners send requests to the server on a port."""
        async with asyncio.timeout(TIMEOUT_SECONDS), aiohttp.ClientSession() as session:
            while True:
                if await self._states(session, f"port_{port}") == {("UP", "L7OK")}:
                    return
                await asyncio.sleep(0.01)

    async def _states(self, session: aiohttp.ClientSession, name: str) -> set[tuple[str, str]]:
        """Return the states of a server, each with the result of the last check."""
        try:
            async with session.get(f"{self.status}/;csv") as response:
                lines = (await response.text()).removeprefix("# ").splitlines()
        except aiohttp.ClientConnectorError:  # HAProxy does not listen yet
            return set()
        rows = [each for each in DictReader(lines) if each["svname"] == name]
        return {(each["status"], each["check_status"]) for each in rows}


@asynccontextmanager
async def haproxy(ports: Sequence[int]) -> AsyncIterator[HAProxy]:
    """Run HAProxy in front of servers on these ports of this machine."""
    own = dict(zip(("with_retries", "without_retries", "status"), free_ports(3), strict=True))
    servers = "\n  ".join(f"server port_{port} 127.0.0.1:{port}" for port in ports)
    async with _running(_CONFIGURATION.format(**own, servers=servers)):
        yield HAProxy(**{name: f"http://127.0.0.1:{port}" for name, port in own.items()})


@asynccontextmanager
async def primary_proxy(hosts: Sequence[str], check_port: int) -> AsyncIterator[int]:
    """Run HAProxy in front of PostgreSQL servers; yield the port that leads to the primary.

    Args:
        hosts: the addresses of the servers.
        check_port: where the REST API of Patroni reports whether a server is the primary.

    """
    [port] = free_ports(1)
    servers = "\n  ".join(f"server db{n} {host}:5432" for n, host in enumerate(hosts, 1))
    text = _PRIMARY_CONFIGURATION.format(port=port, check_port=check_port, servers=servers)
    async with _running(text):
        await _wait_until_listening(port)
        yield port


async def _wait_until_listening(port: int) -> None:
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            with suppress(ConnectionError):
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                return
            await asyncio.sleep(0.01)


@asynccontextmanager
async def _running(configuration: str) -> AsyncIterator[None]:
    """Run HAProxy during the block.

    If it is not installed, the calling test is skipped; in CI it fails.
    """
    binary = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
    if binary is None:
        missing = "haproxy is not on the PATH."
        if os.environ.get("CI"):
            pytest.fail(missing)
        pytest.skip(missing)
    with TemporaryDirectory() as folder:
        file = Path(folder, "haproxy.cfg")
        await asyncio.to_thread(file.write_text, configuration, "utf-8")
        process = await asyncio.create_subprocess_exec(
            *(binary, "-db", "-f", str(file)), stdout=DEVNULL, stderr=DEVNULL
        )
        try:
            yield
        finally:
            process.kill()
            await process.wait()


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that no process uses."""
    sockets = [socket() for _ in range(count)]
    try:
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]
    finally:
        for each in sockets:
            each.close()
