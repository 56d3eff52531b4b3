"""`interlock webhooks`: how webhooks are doing, and what could not be delivered."""

import asyncio
import json
import os
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Column, Table

from api.settings import Settings

if TYPE_CHECKING:
    from engine.storage.webhooks.dead_letters import DeadLetter
    from engine.storage.webhooks.status import WebhookReport

webhooks: Final = typer.Typer(help="How webhooks are doing.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a webhook.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@webhooks.callback(invoke_without_command=True)
def of_webhooks(context: typer.Context, as_json: AsJson = False) -> None:
    """List every webhook with its state, and how much is pending and dead."""
    if context.invoked_subcommand is not None:
        return
    reports = asyncio.run(read_reports())
    if as_json:
        typer.echo(json.dumps(list(map(report_facts, reports)), indent=2))
        return
    numbers = (Column("pending", justify="right"), Column("dead", justify="right"))
    again = (Column("next attempt", no_wrap=True), "last answer")
    table = Table("webhook", "state", *numbers, *again, Column("url", overflow="fold"))
    for each in reports:
        table.add_row(*report_row(each))
    Console().print(table)


@webhooks.command()
def dead(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Of one webhook; of all if left out.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what was given up, latest first."""
    letters = asyncio.run(read_dead(name))
    if as_json:
        typer.echo(json.dumps(list(map(letter_facts, letters)), indent=2))
        return
    at = Column("given up at", no_wrap=True)
    table = Table("webhook", Column("id", no_wrap=True), "event", at, "attempts", "last answer")
    for each in letters:
        moment = each.at.isoformat(timespec="seconds")
        row = (each.webhook, each.id, each.event, moment, str(each.attempts), each.answer)
        table.add_row(*row)
    Console().print(table)


@webhooks.command()
def retry(
    name: Name,
    dead: Annotated[bool, typer.Option("--dead", help="What was given up, too.")] = False,
) -> None:
    """Have what failed attempted again now, also if the receiver asked to wait or said it is gone.

    What was given up may come after later changes of its ticket: the version tells.
    """
    count = asyncio.run(hastened(name, dead=dead))
    typer.echo(f"{count} {'delivery is' if count == 1 else 'deliveries are'} due now.")


async def read_reports() -> "list[WebhookReport]":
    """Return how the webhooks in the database of the settings are doing."""
    from api.bootstrap.engine import open_read_only
    from engine.storage.webhooks.status import webhook_reports

    async with open_read_only(Settings.from_env(os.environ)) as parts:
        return await webhook_reports(parts.database)


async def read_dead(name: str | None) -> "list[DeadLetter]":
    """Return what was given up."""
    from api.bootstrap.engine import open_read_only
    from engine.storage.webhooks.dead_letters import dead_letters

    async with open_read_only(Settings.from_env(os.environ)) as parts:
        return await dead_letters(parts.database, name)


async def hastened(name: str, *, dead: bool) -> int:
    """Have what failed attempted again, and return how much that is."""
    from api.bootstrap.engine import open_read_only
    from engine.storage.webhooks.dead_letters import retry_deliveries

    async with open_read_only(Settings.from_env(os.environ)) as parts:
        return await retry_deliveries(parts.database, name, dead=dead)


def report_row(report: "WebhookReport") -> tuple[str, ...]:
    """Return a report as a row of the table."""
    next_at = report.next_attempt_at
    return (
        report.declared.name,
        report.state,
        f"{report.pending:,}",
        f"{report.dead:,}",
        next_at.isoformat(timespec="seconds") if next_at else "",
        report.last_answer or "",
        report.declared.url,
    )


def report_facts(report: "WebhookReport") -> dict[str, object]:
    """Return a report as JSON has it."""
    return {
        "name": report.declared.name,
        "state": report.state,
        "pending": report.pending,
        "dead": report.dead,
        "position": str(report.position),
        "nextAttemptAt": report.next_attempt_at and report.next_attempt_at.isoformat(),
        "lastAnswer": report.last_answer,
        "url": report.declared.url,
        "events": report.declared.events,
    }


def letter_facts(letter: "DeadLetter") -> dict[str, object]:
    """Return what was given up as JSON has it."""
    return {
        "webhook": letter.webhook,
        "id": letter.id,
        "event": letter.event,
        "attempts": letter.attempts,
        "lastAnswer": letter.answer,
        "givenUpAt": letter.at.isoformat(),
    }
