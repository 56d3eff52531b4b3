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
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; it must not be there.")],
) -> None:
    """Write everything into one file that proves itself whole."""
    try:
        asyncio.run(write(Settings.from_env(os.environ), file))
    except OSError as error:
        name = error.filename or file
        raise InvalidInput(f"{name}: can't be written: {error.strerror}.") from None
    typer.echo(f"{file} holds everything.")


async def write(settings: Settings, file: Path) -> None:
    """Write a backup of the database of the settings."""
    from api.bootstrap.engine import open_read_only
    from reconciler.backup import backup_lines

    with written_whole(file) as stream:
        async with open_read_only(settings) as parts:
            async for lines in backup_lines(parts.database):
                stream.write(lines)


@contextmanager
def written_whole(file: Path) -> Iterator[TextIO]:
    """Open a file that is there at the end of the block, and not at all if that is not reached.

    Raises:
        FileExistsError: it is there already, or somebody else is at it, or was cut off.

    """
    if file.exists():
        raise FileExistsError(EEXIST, os.strerror(EEXIST), str(file))
    unfinished = file.with_name(f"{file.name}.unfinished")
    with unfinished.open("x", encoding="utf-8", newline="") as stream:
        try:
            yield stream
            stream.flush()
            os.fsync(stream.fileno())
            os.link(unfinished, file)  # unlike a rename it takes the place of no other file
        finally:
            unfinished.unlink()


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
) -> None:
    """Read a backup into an empty database, all of it or nothing. Proves every history."""
    try:
        rows = asyncio.run(read(Settings.from_env(os.environ), file))
    except OSError as error:
        raise InvalidInput(f"{file}: can't be read: {error.strerror}.") from None
    typer.echo(f"{rows} rows are restored, and every history is whole.")


async def read(settings: Settings, file: Path) -> int:
    """Restore a backup into the database of the settings, and return how many rows it has."""
    from api.bootstrap.engine import open_engine
    from reconciler.backup import restore as restored

    async with open_engine(settings) as parts:
        # Only a line feed ends a line; and whatever is no UTF-8 is not what was written.
        with file.open(encoding="utf-8", errors="replace", newline="\n") as stream:
            return await restored(parts.database, stream)
