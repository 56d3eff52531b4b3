"""`interlock sla`."""

import asyncio
import os
from collections import Counter
from typing import Final

import typer

from api.cli.audits import audit_tickets, print_finding
from api.cli.exits import EXIT_ERROR
from api.settings import Settings

sla: Final = typer.Typer(help="Verify the SLA due times of tickets.", no_args_is_help=True)


@sla.callback()
def of_tickets() -> None:
    """Verify the SLA due times of tickets."""


@sla.command()
def verify() -> None:
    """Report stored due times that do not match the history. Exits with 1 if there are any."""
    from reconciler.plural import plural

    counts = asyncio.run(_verify(Settings.from_env(os.environ)))
    tickets = plural(counts["tickets"], "ticket")
    if counts["stale"]:
        typer.echo(
            f"{counts['stale']:,} of {tickets} skipped: their due times are not updated yet."
        )
    if counts["wrong"]:
        typer.echo(f"{counts['wrong']:,} of {tickets} have wrong due times.")
        raise typer.Exit(EXIT_ERROR)
    valid = plural(counts["tickets"] - counts["stale"], "ticket")
    typer.echo(f"{valid}: all due times match the history.")


async def _verify(settings: Settings) -> Counter[str]:
    """Audit the database of the settings, print each difference, and return the counts."""
    from engine.storage.sla.audit import audit_due_times

    counts = Counter[str]()
    async for audit in audit_tickets(settings, audit_due_times):
        counts["tickets"] += 1
        counts["stale"] += audit.is_stale
        counts["wrong"] += bool(audit.differences)
        for difference in audit.differences:
            print_finding(difference)
    return counts
