"""Audits of all tickets, with a progress bar below the findings."""

import sys
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.settings import Settings
from reconciler.report.escaping import visible_lines

if TYPE_CHECKING:
    from engine.storage.postgres.database import Database

T = TypeVar("T")


async def audit_tickets(
    settings: Settings, audit: "Callable[[Database], AsyncIterator[T]]"
) -> AsyncIterator[T]:
    """Yield the result of an audit for each ticket in the database of the settings."""
    from api.bootstrap.engine import open_current
    from engine.storage.history.audit import count_tickets

    async with open_current(settings) as engine:
        with progress_bar() as bar:
            task = bar.add_task("verifying", total=await count_tickets(engine.database))
            async for result in audit(engine.database):
                bar.advance(task)
                yield result


def progress_bar(verb: str = "verifying") -> Progress:
    """Return a bar on standard error, if that is a terminal."""
    columns = (TextColumn(verb), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(
        *columns,
        console=Console(stderr=True),
        disable=not sys.stderr.isatty(),
        transient=True,
        redirect_stdout=sys.stdout.isatty(),
    )


def print_finding(finding: object) -> None:
    """Print a finding, above the bar if both are on one terminal."""
    typer.echo(
        visible_lines(str(finding)), file=sys.stdout
    )  # the bar redirects this one, not typer's own
