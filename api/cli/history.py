"""`interlock history`: the proof that nothing was changed."""

import asyncio
import os
from dataclasses import dataclass
from typing import Final

import typer

from api.cli.audits import audited, tell
from api.cli.exits import EXIT_ERROR
from api.settings import Settings

history: Final = typer.Typer(help="The history of every ticket.", no_args_is_help=True)


@history.callback()
def of_tickets() -> None:
    """The history of every ticket."""


@history.command()
def verify() -> None:
    """Name the first entry of each history that does not fit. Exits 1 if there are any."""
    from reconciler.report.wording import plural

    outcome = asyncio.run(verified(Settings.from_env(os.environ)))
    tickets = plural(outcome.tickets, "ticket")
    if outcome.flawed:
        typer.echo(f"{outcome.flawed:,} of {tickets} with a history that does not fit.")
        raise typer.Exit(EXIT_ERROR)
    typer.echo(f"{tickets}: every history is whole; nothing was changed, removed or inserted.")


@dataclass(slots=True)
class Outcome:
    """How many tickets were looked at, and how many of their histories have a flaw."""

    tickets: int = 0
    flawed: int = 0


async def verified(settings: Settings) -> Outcome:
    """Audit the database of the settings; print each flaw as it is found."""
    from engine.storage.history.audit import audit_histories

    outcome = Outcome()
    async for _, flaw in audited(settings, audit_histories):
        outcome.tickets += 1
        if flaw is not None:
            outcome.flawed += 1
            tell(flaw)
    return outcome
