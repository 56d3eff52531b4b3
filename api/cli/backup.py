"""`interlock backup` and `interlock restore`."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EEXIST
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TextIO

import typer

from api.cli.history_anchors import read_anchors
from api.cli.verified import verified_lines
from api.files import UnreadableFile
from api.settings import Settings
from engine.errors import InvalidInput

if TYPE_CHECKING:
    from reconciler.backup import Restored
    from reconciler.record_audit import AuditedAnchors


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A file that does not exist yet.")],
) -> None:
    """Write a backup of the whole database to a file.

    Makes an anchor first if the settings have the key of anchors. The backup contains all anchors.
    """
    try:
        asyncio.run(_write_backup(file))
    except OSError as error:
        name = error.filename or file
        raise InvalidInput(f"{name}: can't be written: {error.strerror}.") from None
    typer.echo(f"Wrote the backup to {file}.")


async def _write_backup(file: Path) -> None:
    from api.bootstrap.anchors import anchor_key
    from api.bootstrap.engine import open_current
    from engine.storage.history.anchors import make_anchor
    from engine.storage.history.seals import seal_log
    from reconciler.backup import backup_lines

    settings = Settings.from_env(os.environ)
    key = anchor_key(settings)
    with _create_atomically(file) as stream:
        async with open_current(settings) as engine:
            if key:
                await seal_log(engine.database, wait=True)
                await make_anchor(engine.database, key)
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
    against: Annotated[
        list[Path],
        typer.Option(
            metavar="FILE",
            help="A file of anchors that was kept outside the database; can be repeated.",
        ),
    ] = [],  # noqa: B006  # typer copies it
) -> None:
    """Restore a backup into an empty database.

    Verifies what `history verify` does, also against the anchors in the backup and those given.
    """
    from api.bootstrap.anchors import trusted_keys
    from reconciler.record_audit import AuditedAnchors

    settings = Settings.from_env(os.environ)
    given = [anchor for each in against for anchor in read_anchors(each)]
    anchors = AuditedAnchors(given, trusted_keys(settings))
    try:
        restored = asyncio.run(_restore_backup(settings, file, anchors))
    except OSError as error:
        raise UnreadableFile.of(file, error) from None
    typer.echo(f"Restored {restored.rows} rows.")
    for line in verified_lines(anchors, restored.anchor):
        typer.echo(line)


async def _restore_backup(settings: Settings, file: Path, anchors: "AuditedAnchors") -> "Restored":
    from api.bootstrap.engine import open_engine
    from reconciler.backup import restore as restore_lines

    # Only a line feed ends a line. Bytes that are not UTF-8 fail the check of the digest.
    with file.open(encoding="utf-8", errors="replace", newline="\n") as stream:
        async with open_engine(settings) as engine:
            return await restore_lines(engine.database, stream, anchors)
