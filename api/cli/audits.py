"""Every ticket is looked at, behind a progress bar, and what is found is told above it."""

import sys
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.settings import Settings

if TYPE_CHECKING:
    from engine.storage.postgres.database import Database

T = TypeVar("T")


async def audited(
    settings: Settings, audit: "Callable[[Database], AsyncIterator[T]]"
) -> AsyncIterator[T]:
    """Yield what an audit of the database of the settings says of each ticket."""
    from api.bootstrap.engine import open_read_only
    from engine.storage.history.audit import count_tickets

    async with open_read_only(settings) as parts:
        with progress_bar() as bar:
            task = bar.add_task("verifying", total=await count_tickets(parts.database))
            async for verdict in audit(parts.database):
                bar.advance(task)
                yield verdict


def progress_bar() -> Progress:
    """Return a bar on standard error that leaves a standard output elsewhere alone."""
    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(
        *columns,
        console=Console(stderr=True),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )


def tell(found: object) -> None:
    """Print what was found; above the bar, if both are on one screen."""
    typer.echo(str(found), file=sys.stdout)  # which is the bar's then, unlike typer's own
