"""`interlock sla`: what was promised for tickets."""

import asyncio
import os
from dataclasses import dataclass
from typing import Final

import typer

from api.cli.audits import audit_tickets, print_finding
from api.cli.exits import EXIT_ERROR
from api.settings import Settings

sla: Final = typer.Typer(help="What was promised for tickets.", no_args_is_help=True)


@sla.callback()
def of_tickets() -> None:
    """What was promised for tickets."""


@sla.command()
def verify() -> None:
    """Name every due time that the history tells otherwise. Exits 1 if there are any."""
    from reconciler.report.wording import plural

    outcome = asyncio.run(verified(Settings.from_env(os.environ)))
    tickets = plural(outcome.tickets, "ticket")
    if outcome.stale:
        few = f"{outcome.stale:,} of {tickets}"
        typer.echo(f"{few} moved just now; a running server works out their due times again.")
    if outcome.wrong:
        typer.echo(f"{outcome.wrong:,} of {tickets} with wrong due times.")
        raise typer.Exit(EXIT_ERROR)
    fresh = plural(outcome.tickets - outcome.stale, "ticket")
    typer.echo(f"{fresh}: every due time is what the history tells.")


@dataclass(slots=True)
class Outcome:
    """How many tickets were looked at, and how many of them are stale, or wrong."""

    tickets: int = 0
    stale: int = 0
    wrong: int = 0


async def verified(settings: Settings) -> Outcome:
    """Audit the database of the settings; print differences as they are found."""
    from engine.storage.sla.audit import audit_due_times

    outcome = Outcome()
    async for verdict in audit_tickets(settings, audit_due_times):
        outcome.tickets += 1
        outcome.stale += verdict.is_stale
        outcome.wrong += bool(verdict.differences)
        for difference in verdict.differences:
            print_finding(difference)
    return outcome
