"""`interlock webhooks`: the status of webhooks, and their dead letters."""

import asyncio
import json
import os
from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Final

import typer
from rich.console import Console
from rich.table import Column, Table

from api.settings import Settings

if TYPE_CHECKING:
    from engine.storage.webhooks.dead_letters import DeadLetter
    from engine.storage.webhooks.status import WebhookStatus

webhooks: Final = typer.Typer(help="Show and retry webhooks.")

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a webhook.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@webhooks.callback(invoke_without_command=True)
def overview(context: typer.Context, as_json: AsJson = False) -> None:
    """List all webhooks with their state and their numbers of pending deliveries and dead letters.

    A delayed webhook has a delivery that no server has attempted for 30 seconds: the receiver is
    too slow, or the servers cannot call it. Their logs say why.
    """
    if context.invoked_subcommand is not None:
        return
    statuses = asyncio.run(_read_statuses())
    if as_json:
        typer.echo(json.dumps(list(map(_status_json, statuses)), indent=2))
        return
    table = Table(
        *("webhook", "state", Column("pending", justify="right")),
        *(Column("oldest pending", no_wrap=True), Column("dead", justify="right")),
        *(Column("next attempt", no_wrap=True), "last result", Column("url", overflow="fold")),
    )
    for each in statuses:
        table.add_row(
            *(each.declaration.name, each.state),
            *(f"{each.pending:,}", _format_time(each.oldest_pending_at), f"{each.dead:,}"),
            _format_time(each.next_attempt_at or each.paused_until),
            *(each.last_result or "", each.declaration.url),
        )
    Console().print(table)


@webhooks.command()
def dead(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only the dead letters of this webhook.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters (deliveries that failed permanently), latest first."""
    dead_letters = asyncio.run(_read_dead_letters(name))
    if as_json:
        typer.echo(json.dumps(list(map(_dead_letter_json, dead_letters)), indent=2))
        return
    failed_at = Column("failed at", no_wrap=True)
    table = Table(
        "webhook", Column("id", no_wrap=True), "event", failed_at, "attempts", "last result"
    )
    for each in dead_letters:
        time = _format_time(each.failed_at)
        table.add_row(each.webhook, each.id, each.event, time, str(each.attempts), each.result)
    Console().print(table)


@webhooks.command()
def retry(
    name: Name,
    dead: Annotated[bool, typer.Option("--dead", help="Also retry dead letters.")] = False,
) -> None:
    """Retry failed deliveries now, even if the receiver asked to wait or answered 410.

    A dead letter can arrive after later changes of its ticket; its version shows the order.
    """
    count = asyncio.run(_retry(name, dead=dead))
    typer.echo(f"{count} {'delivery is' if count == 1 else 'deliveries are'} due now.")


async def _read_statuses() -> "list[WebhookStatus]":
    from api.bootstrap.engine import open_read_only
    from engine.storage.webhooks.status import read_statuses

    async with open_read_only(Settings.from_env(os.environ)) as parts:
        return await read_statuses(parts.database)


async def _read_dead_letters(name: str | None) -> "list[DeadLetter]":
    from api.bootstrap.engine import open_read_only
    from engine.storage.webhooks.dead_letters import list_dead_letters

    async with open_read_only(Settings.from_env(os.environ)) as parts:
        return await list_dead_letters(parts.database, name)


async def _retry(name: str, *, dead: bool) -> int:
    from api.bootstrap.engine import open_read_only
    from engine.storage.webhooks.dead_letters import retry_deliveries

    async with open_read_only(Settings.from_env(os.environ)) as parts:
        return await retry_deliveries(parts.database, name, dead=dead)


def _format_time(time: datetime | None) -> str:
    return time.isoformat(timespec="seconds") if time else ""


def _status_json(status: "WebhookStatus") -> dict[str, object]:
    times = {
        "oldestPendingAt": status.oldest_pending_at,
        "pausedUntil": status.paused_until,
        "nextAttemptAt": status.next_attempt_at,
    }
    return {
        "name": status.declaration.name,
        "state": status.state,
        "pending": status.pending,
        "dead": status.dead,
        "position": str(status.position),
        **{key: time and time.isoformat() for key, time in times.items()},
        "lastResult": status.last_result,
        "url": status.declaration.url,
        "events": status.declaration.events,
    }


def _dead_letter_json(dead_letter: "DeadLetter") -> dict[str, object]:
    return {
        "webhook": dead_letter.webhook,
        "id": dead_letter.id,
        "event": dead_letter.event,
        "attempts": dead_letter.attempts,
        "lastResult": dead_letter.result,
        "failedAt": dead_letter.failed_at.isoformat(),
    }
