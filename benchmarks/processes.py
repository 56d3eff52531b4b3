"""Servers in processes of their own, and what a process takes: memory and computing (Linux)."""

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

KIBIBYTE: Final = 1024

Memory = Literal["VmRSS", "VmHWM"]
"""What is resident now, and the most that ever was."""


class Served(NamedTuple):
    """A server that runs."""

    pid: int
    address: str

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.address.rpartition(":")[2])


@contextmanager
def serving(
    module: str, *arguments: str, settings: Mapping[str, str] | None = None
) -> Iterator[Served]:
    """Run a server for the length of the block.

    Args:
        module: what serves; it tells its address on standard output.
        arguments: on its command line.
        settings: variables of its environment, beside those of this process.

    Raises:
        RuntimeError: it ended before it told its address.

    """
    process = subprocess.Popen(  # noqa: S603  # our own module
        [sys.executable, "-m", module, *arguments],
        env=os.environ | (settings or {}),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        yield Served(process.pid, address_in(process.stdout or ()))
    finally:
        process.terminate()
        process.wait()


def address_in(lines: Iterable[str]) -> str:
    """Return the address that a server tells."""
    for line in lines:
        if line.startswith("http://"):
            return line.strip()
    raise RuntimeError("A server did not start.")


def memory_bytes(memory: Memory, pid: int | Literal["self"] = "self") -> int:
    """Return what a process holds."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition(f"{memory}:")[2].split()[0]) * KIBIBYTE


def cpu_seconds(pid: int) -> float:
    """Return what a process has computed so far."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
