"""`interlock backup` and `interlock restore`."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

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
        raise InvalidInput(f"{file}: can't be written: {error.strerror}.") from None
    typer.echo(f"{file} holds everything.")


async def write(settings: Settings, file: Path) -> None:
    """Write a backup beside `file` and put it there when it is whole."""
    from api.parts import look_into
    from reconciler.backup import backup_lines

    unfinished = file.with_name(f"{file.name}.unfinished")
    async with look_into(settings) as parts:
        with unfinished.open("x", encoding="utf-8", newline="") as stream:
            async for lines in backup_lines(parts.database):
                stream.write(lines)
    os.link(unfinished, file)  # unlike a rename it does not take the place of another file
    unfinished.unlink()


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `backup` wrote.")],
) -> None:
    """Read a backup into an empty database, all of it or nothing, and prove every history."""
    try:
        rows = asyncio.run(read(Settings.from_env(os.environ), file))
    except OSError as error:
        raise InvalidInput(f"{file}: can't be read: {error.strerror}.") from None
    typer.echo(f"{rows} rows are restored, and every history is whole.")


async def read(settings: Settings, file: Path) -> int:
    """Restore a backup into the database of the settings, and return how many rows it has."""
    from api.parts import open_parts
    from reconciler.backup import restore as restored

    async with open_parts(settings) as parts:
        # Only a line feed ends a line; and whatever is no UTF-8 is not what was written.
        with file.open(encoding="utf-8", errors="replace", newline="\n") as stream:
            return await restored(parts.database, stream)
