"""`interlock history`: the proof that nothing was changed."""

import asyncio
import os
from dataclasses import dataclass
from typing import Final

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from api.cli.exits import EXIT_ERROR
from api.settings import Settings

history: Final = typer.Typer(help="The history of every ticket.", no_args_is_help=True)


@history.callback()
def of_tickets() -> None:
    """The history of every ticket."""


@history.command()
def verify() -> None:
    """Walk every ticket's history and name each first entry that does not fit; exit 1 if any."""
    outcome = asyncio.run(verified(Settings.from_env(os.environ)))
    if outcome.flawed:
        typer.echo(f"{outcome.flawed} of {outcome.tickets} histories do not fit.")
        raise typer.Exit(EXIT_ERROR)
    typer.echo(f"{outcome.tickets} histories are whole: nothing was changed, removed or inserted.")


@dataclass(slots=True)
class Outcome:
    """How many tickets were looked at, and how many of their histories have a flaw."""

    tickets: int = 0
    flawed: int = 0


async def verified(settings: Settings) -> Outcome:
    """Audit the database of the settings; print each flaw as it is found, behind a progress bar."""
    from api.parts import look_into
    from engine.storage.history_audit import audit_histories, count_tickets

    columns = (TextColumn("verifying"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    outcome = Outcome()
    async with look_into(settings) as parts:
        with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
            task = progress.add_task("verifying", total=await count_tickets(parts.database))
            async for _, flaw in audit_histories(parts.database):
                outcome.tickets += 1
                progress.advance(task)
                if flaw is not None:
                    outcome.flawed += 1
                    typer.echo(str(flaw))
    return outcome
