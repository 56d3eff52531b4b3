"""`interlock webhooks`: the status of webhooks, and their dead letters."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Annotated, Final, TypeVar

import typer
from rich.table import Column, Table

from api.cli.tables import folded, print_table
from api.settings import Settings

if TYPE_CHECKING:
    from engine.storage.postgres.database import Database
    from engine.storage.webhooks.dead_letters import DeadLetter
    from engine.storage.webhooks.status import WebhookStatus

T = TypeVar("T")

webhooks: Final = typer.Typer(help="Show webhooks, and retry their deliveries.")

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@webhooks.callback(invoke_without_command=True)
def overview(context: typer.Context, as_json: AsJson = False) -> None:
    """List all webhooks with their state and their numbers of pending deliveries and dead letters.

    A delayed webhook has a delivery that no server has attempted for 30 seconds: the receiver is
    too slow, or the servers cannot call it. The logs of the servers have the reason.
    """
    if context.invoked_subcommand is not None:
        return
    from engine.storage.webhooks.status import read_statuses

    statuses = _run(read_statuses)
    if as_json:
        typer.echo(json.dumps(list(map(_status_json, statuses)), indent=2))
        return
    table = Table(
        *("webhook", "state", Column("pending", justify="right")),
        *("oldest pending", Column("dead", justify="right")),
        *("next attempt", "last result", folded("url")),
    )
    for each in statuses:
        table.add_row(
            *(each.declaration.name, each.state),
            *(f"{each.pending:,}", _format_time(each.oldest_pending_at), f"{each.dead:,}"),
            _format_time(each.next_attempt_at or each.paused_until),
            *(each.last_result or "", each.declaration.url),
        )
    print_table(table, "No webhook is declared.")


@webhooks.command()
def dead(
    name: Annotated[
        str | None, typer.Argument(metavar="[NAME]", help="Only the dead letters of this webhook.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List dead letters, latest first.

    A dead letter is a delivery that failed permanently.
    """
    from engine.storage.webhooks.dead_letters import list_dead_letters

    dead_letters = _run(partial(list_dead_letters, name=name))
    if as_json:
        typer.echo(json.dumps(list(map(_dead_letter_json, dead_letters)), indent=2))
        return
    attempts = Column("attempts", justify="right")
    table = Table("webhook", folded("id"), "event", "failed at", attempts, "last result")
    for each in dead_letters:
        time = _format_time(each.failed_at)
        table.add_row(each.webhook, each.id, each.event, time, str(each.attempts), each.result)
    print_table(table, "There are no dead letters.")


@webhooks.command()
def retry(
    name: Annotated[str, typer.Argument(metavar="NAME", help="The name of a webhook.")],
    dead: Annotated[bool, typer.Option("--dead", help="Also retry dead letters.")] = False,
) -> None:
    """Retry failed deliveries now.

    This works even if the receiver asked to wait or responded with 410. A dead letter can arrive
    after later changes of its ticket; its version shows the order.
    """
    from engine.storage.webhooks.dead_letters import retry_deliveries

    count = _run(partial(retry_deliveries, name=name, dead=dead))
    typer.echo(f"{count} {'delivery is' if count == 1 else 'deliveries are'} due now.")


def _run(work: Callable[["Database"], Awaitable[T]]) -> T:
    """Return the result of some work on the database of the settings."""
    from api.bootstrap.engine import open_current

    async def run() -> T:
        async with open_current(Settings.from_env(os.environ)) as engine:
            return await work(engine.database)

    return asyncio.run(run())


def _format_time(time: datetime | None) -> str:
    return f"{time.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if time else ""


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
