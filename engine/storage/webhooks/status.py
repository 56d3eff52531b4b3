"""Webhooks as people look at them: how each is doing."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Text,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
)

from engine.declaration.models import Webhook
from engine.storage.history.log import Position
from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import webhook_deliveries, webhooks
from engine.webhooks.retry_policy import DeliveryState


class Standing(StrEnum):
    """How a webhook is doing, apart from what its obstacle says."""

    WORKING = "working"
    FAILING = "failing"
    HELD = "held"
    GONE = "gone"
    RETIRED = "retired"


def counted(condition: ColumnElement[bool]) -> ColumnElement[int]:
    """Return how many deliveries of a webhook are so."""
    return (
        select(func.count())
        .where(webhook_deliveries.c.webhook == webhooks.c.name, condition)
        .scalar_subquery()
    )


def is_in(state: DeliveryState) -> ColumnElement[bool]:
    """Return whether a delivery is in a state."""
    return webhook_deliveries.c.state == literal_column(f"'{state}'")


COUNTS: Final = (
    counted(is_in(DeliveryState.PENDING)).label("pending"),
    counted(is_in(DeliveryState.DEAD)).label("dead"),
)
COUNT: Final = Statement.of(select(webhooks.c.name, *COUNTS).order_by(webhooks.c.name))
TROUBLE: Final = (
    select(webhook_deliveries.c.next_attempt_at, webhook_deliveries.c.last_answer)
    .where(
        webhook_deliveries.c.webhook == webhooks.c.name,
        is_in(DeliveryState.PENDING),
        webhook_deliveries.c.last_answer.is_not(None),
    )
    .order_by(webhook_deliveries.c.next_attempt_at)
    .limit(literal_column("1"))
    .lateral("trouble")
)
"""What failed and is attempted again first."""
REPORTS: Final = Statement.of(
    select(
        webhooks.c.name,
        webhooks.c.log_transaction,
        webhooks.c.log_entry,
        cast(webhooks.c.declaration, Text).label("declaration"),
        webhooks.c.obstacle,
        webhooks.c.retired_at.is_not(None).label("retired"),
        (webhooks.c.disabled_by_reconciliation == webhooks.c.reconciliation).label("gone"),
        (webhooks.c.paused_until > func.now()).label("held"),
        TROUBLE.c.last_answer,
        func.greatest(TROUBLE.c.next_attempt_at, webhooks.c.paused_until).label("next_attempt_at"),
        *COUNTS,
    )
    .outerjoin(TROUBLE, true())
    .where(webhooks.c.name == func.coalesce(bindparam("wanted", type_=Text), webhooks.c.name))
    .order_by(webhooks.c.name)
)


@dataclass(frozen=True, slots=True)
class Count:
    """How much a webhook is owed."""

    webhook: str
    pending: int
    dead: int


@dataclass(frozen=True, slots=True)
class WebhookReport:
    """How a webhook is doing.

    Attributes:
        state: its standing, or the obstacle that keeps the servers from calling it.
        position: how far in the log of all changes deliveries were made of them.
        last_answer: what became of the last attempt of what is attempted again first; None if
            nothing that failed waits.
        next_attempt_at: when that is, at the earliest; None also if it is not to be.

    """

    declared: Webhook
    state: str
    position: Position
    pending: int
    dead: int
    last_answer: str | None
    next_attempt_at: datetime | None


async def count_deliveries(database: Database) -> list[Count]:
    """Return how much each webhook is owed."""
    rows = await database.rows(COUNT)
    return [Count(row["name"], row["pending"], row["dead"]) for row in rows]


async def webhook_reports(database: Database, name: str | None = None) -> list[WebhookReport]:
    """Return how each webhook is doing, retired ones included, by name; or only the one named."""
    return [report_of(row) for row in await database.rows(REPORTS, wanted=name)]


def report_of(row: Row) -> WebhookReport:
    """Return a row of `REPORTS`."""
    state = state_of(row)
    waits = row["last_answer"] is not None and state not in {Standing.RETIRED, Standing.GONE}
    return WebhookReport(
        declared=Webhook.model_validate_json(row["declaration"]),
        state=state,
        position=Position(row["log_transaction"], row["log_entry"]),
        pending=row["pending"],
        dead=row["dead"],
        last_answer=row["last_answer"],
        next_attempt_at=row["next_attempt_at"] if waits else None,
    )


def state_of(row: Row) -> str:
    """Return the gravest that is to be said of a webhook."""
    if row["retired"]:
        return Standing.RETIRED
    if row["gone"]:
        return Standing.GONE
    if row["obstacle"]:
        return str(row["obstacle"])
    if row["held"]:
        return Standing.HELD
    return Standing.FAILING if row["last_answer"] else Standing.WORKING
