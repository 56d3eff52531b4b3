"""Stops the embedded PostgreSQL server when the last process that uses it has ended.

Each process that uses the server runs this as a process of its own, which notices also that the
other one is killed: its standard input ends. Only the standard library is imported, so that it
starts fast and needs little memory.

Usage: python embedded_stopper.py USERS_FILE PID_FILE
"""

import fcntl
import os
import signal
import sys
import time
from pathlib import Path
from typing import Final

_STOP_SECONDS_MAX: Final = 30
_POLL_SECONDS: Final = 0.02


def stop_at_end(users_file: Path, pid_file: Path) -> None:
    """Hold a shared lock until standard input ends; then stop the server if it has no other users.

    Args:
        users_file: the file to lock.
        pid_file: PostgreSQL's `postmaster.pid`.

    """
    with users_file.open("a") as users:
        fcntl.flock(users, fcntl.LOCK_SH)  # waits while another stopper stops the server
        sys.stdout.write("locked\n")
        sys.stdout.flush()
        sys.stdin.buffer.read()
        try:
            fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        _stop(pid_file)


def _stop(pid_file: Path) -> None:
    """Stop the server, as `pg_ctl stop` does, and wait until it has ended."""
    deadline = time.monotonic() + _STOP_SECONDS_MAX
    number: int = signal.SIGINT  # a fast shutdown
    while time.monotonic() < deadline:
        try:
            os.kill(int(pid_file.read_text("utf-8").split()[0]), number)
        except (FileNotFoundError, ProcessLookupError):
            return
        number = 0  # only asks whether the process exists
        time.sleep(_POLL_SECONDS)


if __name__ == "__main__":
    stop_at_end(Path(sys.argv[1]), Path(sys.argv[2]))
