"""`interlock history`."""

import asyncio
import os
from dataclasses import dataclass
from typing import Final

import typer

from api.cli.audits import audit_tickets, print_finding
from api.cli.exits import EXIT_ERROR
from api.settings import Settings

history: Final = typer.Typer(help="Verify the histories of tickets.", no_args_is_help=True)


@history.callback()
def of_tickets() -> None:
    """Verify the histories of tickets."""


@history.command()
def verify() -> None:
    """Report the first invalid entry of each history. Exits with 1 if there is one."""
    from reconciler.plural import plural

    outcome = asyncio.run(_verify(Settings.from_env(os.environ)))
    tickets = plural(outcome.tickets, "ticket")
    if outcome.flawed:
        typer.echo(f"{outcome.flawed:,} of {tickets} have an invalid history.")
        raise typer.Exit(EXIT_ERROR)
    typer.echo(f"{tickets}: all histories are valid; no entry was changed, removed or inserted.")


@dataclass(slots=True)
class AuditCounts:
    """The number of tickets, and of those whose history is invalid."""

    tickets: int = 0
    flawed: int = 0


async def _verify(settings: Settings) -> AuditCounts:
    """Audit the database of the settings, and print each flaw."""
    from engine.storage.history.audit import audit_histories

    outcome = AuditCounts()
    async for _, flaw in audit_tickets(settings, audit_histories):
        outcome.tickets += 1
        if flaw is not None:
            outcome.flawed += 1
            print_finding(flaw)
    return outcome
