"""Machines of their own: network namespaces that two networks connect, and partitions of them."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from subprocess import PIPE, STDOUT
from typing import Final

_BRIDGES: Final = {"cluster": "il-cluster", "clients": "il-clients"}
_HOST_ADDRESS: Final = "10.213.2.254"


@dataclass(frozen=True)
class Machine:
    """A network namespace with a link to the other machines and a link to the clients.

    Attributes:
        number: counts from 1.

    """

    number: int

    @property
    def name(self) -> str:
        return f"interlock-db{self.number}"

    @property
    def cluster_address(self) -> str:
        """The address at which the other machines reach it."""
        return f"10.213.1.{self.number}"

    @property
    def client_address(self) -> str:
        """The address at which clients on the host reach it."""
        return f"10.213.2.{self.number}"

    async def run(self, *command: str) -> str:
        """Run a command on the machine; return its output."""
        return await _run(*self.command(*command))

    def command(self, *command: str) -> tuple[str, ...]:
        """Return the command that runs a command on the machine."""
        return ("ip", "netns", "exec", self.name, *command)

    async def partition(self) -> None:
        """Cut the machine off from the other machines; clients still reach it."""
        await self.run("ip", "link", "set", "cluster", "down")

    async def heal(self) -> None:
        """End the partition."""
        await self.run("ip", "link", "set", "cluster", "up")

    async def kill(self) -> None:
        """Kill all processes of the machine with SIGKILL."""
        for pid in (await _run("ip", "netns", "pids", self.name)).split():
            with suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)

    def _host_end(self, network: str) -> str:
        """Return the name of the host's end of a link; names have at most 15 characters."""
        return f"il-{network}{self.number}"

    async def create(self) -> None:
        """Create it without processes."""
        await _run("ip", "netns", "add", self.name)
        await self.run("ip", "link", "set", "lo", "up")
        addresses = {"cluster": self.cluster_address, "clients": self.client_address}
        for network, address in addresses.items():
            end, peer = self._host_end(network), ("peer", "name", network, "netns", self.name)
            await _run("ip", "link", "add", end, "type", "veth", *peer)
            await _run("ip", "link", "set", end, "master", _BRIDGES[network], "up")
            await self.run("ip", "address", "add", f"{address}/24", "dev", network)
            await self.run("ip", "link", "set", network, "up")

    async def delete(self) -> None:
        """Kill its processes, and delete it with its links."""
        await self.kill()
        for network in _BRIDGES:  # the kernel would delete them later
            await _run("ip", "link", "delete", self._host_end(network))
        await _run("ip", "netns", "delete", self.name)


@asynccontextmanager
async def machines(count: int) -> AsyncIterator[Sequence[Machine]]:
    """Create machines; at the end, kill their processes and delete them. Needs root."""
    created = [Machine(number) for number in range(1, count + 1)]
    await _delete(created)
    try:
        for bridge in _BRIDGES.values():
            await _run("ip", "link", "add", bridge, "type", "bridge")
            await _run("ip", "link", "set", bridge, "up")
        await _run("ip", "address", "add", f"{_HOST_ADDRESS}/24", "dev", _BRIDGES["clients"])
        for machine in created:
            await machine.create()
        yield created
    finally:
        await _delete(created)


async def _delete(created: Sequence[Machine]) -> None:
    """Delete what exists, also what an interrupted run left."""
    for machine in created:
        with suppress(AssertionError):
            await machine.delete()
    for bridge in _BRIDGES.values():
        with suppress(AssertionError):
            await _run("ip", "link", "delete", bridge)


async def _run(*command: str) -> str:
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=STDOUT)
    output, _ = await process.communicate()
    assert process.returncode == 0, (command, output.decode())
    return output.decode()
