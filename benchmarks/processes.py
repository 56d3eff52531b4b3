"""Servers in separate processes, and the memory and CPU time of a process (Linux)."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, NamedTuple

KIBIBYTE: Final = 1024

Memory = Literal["VmRSS", "VmHWM"]
"""The resident memory now, and its maximum."""


class Served(NamedTuple):
    """A running server."""

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
    """Run a server during the block.

    Args:
        module: the server; it prints its address on standard output.
        arguments: command-line arguments.
        settings: additional environment variables.

    Raises:
        RuntimeError: it ended before it printed its address.

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
        process.send_signal(signal.SIGINT)  # without a drain
        process.wait()


def address_in(lines: Iterable[str]) -> str:
    """Return the address that a server prints."""
    for line in lines:
        if line.startswith("http://"):
            return line.strip()
    raise RuntimeError("A server did not start.")


def memory_bytes(memory: Memory, pid: int | Literal["self"] = "self") -> int:
    """Return the memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text("utf-8")
    return int(status.partition(f"{memory}:")[2].split()[0]) * KIBIBYTE


def cpu_seconds(pid: int) -> float:
    """Return the CPU time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
