"""`interlock backup` and `interlock restore`."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EEXIST
from pathlib import Path
from typing import Annotated, TextIO

import typer

from api.settings import Settings
from engine.errors import InvalidInput


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
) -> None:
    """Write a backup of the whole database to a file."""
    try:
        asyncio.run(_write_backup(file))
    except OSError as error:
        name = error.filename or file
        raise InvalidInput(f"{name}: can't be written: {error.strerror}.") from None
    typer.echo(f"Wrote the backup to {file}.")


async def _write_backup(file: Path) -> None:
    from api.bootstrap.engine import open_current
    from reconciler.backup import backup_lines

    with _create_atomically(file) as stream:
        async with open_current(Settings.from_env(os.environ)) as engine:
            async for lines in backup_lines(engine.database):
                stream.write(lines)


@contextmanager
def _create_atomically(file: Path) -> Iterator[TextIO]:
    """Open a new file for writing. It appears under its name only when the block has succeeded.

    Raises:
        FileExistsError: the file exists, or an unfinished one of another run.

    """
    if file.exists():
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(file))
    unfinished = file.with_name(f"{file.name}.unfinished")
    with unfinished.open("x", encoding="utf-8", newline="") as stream:
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            os.link(unfinished, file)  # unlike a rename, never replaces another file
        finally:
            unfinished.unlink()


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that `backup` wrote.")],
) -> None:
    """Restore a backup into an empty database.

    Verifies the backup and the history of every ticket.
    """
    try:
        rows = asyncio.run(_restore_backup(file))
    except OSError as error:
        raise InvalidInput(f"{file}: can't be read: {error.strerror}.") from None
    typer.echo(f"Restored {rows} rows and verified every history.")


async def _restore_backup(file: Path) -> int:
    from api.bootstrap.engine import open_engine
    from reconciler.backup import restore as restore_lines

    async with open_engine(Settings.from_env(os.environ)) as engine:
        # Only a line feed ends a line. Bytes that are not UTF-8 fail the check of the digest.
        with file.open(encoding="utf-8", errors="replace", newline="\n") as stream:
            return await restore_lines(engine.database, stream)
