"""The status of webhooks, for admins: derived from what the database stores about them."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from sqlalchemy import (
    ColumnElement,
    Text,
    bindparam,
    case,
    cast,
    func,
    literal,
    literal_column,
    select,
    true,
    tuple_,
)

from engine.declaration.models import Webhook
from engine.errors import NotFound
from engine.findings import did_you_mean
from engine.permissions import require_admin
from engine.storage.history.log import IS_FINAL, LOG_KEY, POSITION_COLUMNS
from engine.storage.history.position import LOG_START, Position
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, webhook_deliveries, webhooks
from engine.storage.webhooks.fan_out import DUE, PENDING, in_state
from engine.tickets.actor import Actor
from engine.webhooks.retry_policy import DeliveryState

_DELAYED_AFTER: Final = timedelta(seconds=30)
"""How long a delivery is due before its webhook is delayed: servers look for work every second."""


class WebhookState(StrEnum):
    """The state of a webhook; if several apply, the last one."""

    WORKING = "working"
    FAILING = "failing"
    DELAYED = "delayed"
    PAUSED = "paused"
    DISABLED = "disabled"
    RETIRED = "retired"


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return (
        select(func.count())
        .where(webhook_deliveries.c.webhook == webhooks.c.name, condition)
        .scalar_subquery()
    )


_FIRST_FAILED: Final = (
    select(webhook_deliveries.c.next_attempt_at, webhook_deliveries.c.last_result)
    .where(
        webhook_deliveries.c.webhook == webhooks.c.name,
        PENDING,
        webhook_deliveries.c.last_result.is_not(None),
    )
    .order_by(webhook_deliveries.c.next_attempt_at)
    .limit(literal_column("1"))
    .lateral("first_failed")
)
"""The failed delivery that is attempted again first."""
_IS_DELAYED: Final = (
    select(webhook_deliveries.c.seq)
    .where(
        webhook_deliveries.c.webhook == webhooks.c.name,
        DUE,
        func.greatest(webhook_deliveries.c.next_attempt_at, webhooks.c.paused_until)
        < func.now() - literal(_DELAYED_AFTER),
    )
    .order_by(webhook_deliveries.c.next_attempt_at)
    .limit(literal_column("1"))
    .scalar_subquery()
    .is_not(None)
)
_OLDEST_PENDING_AT: Final = (
    select(func.min(ticket_status_history.c.at))
    .join(
        webhook_deliveries,
        (webhook_deliveries.c.ticket == ticket_status_history.c.ticket)
        & (webhook_deliveries.c.seq == ticket_status_history.c.seq),
    )
    .where(webhook_deliveries.c.webhook == webhooks.c.name, PENDING)
    .scalar_subquery()
)
_LAST_ENQUEUED: Final = (
    select(*POSITION_COLUMNS)
    .where(tuple_(*LOG_KEY) <= tuple_(webhooks.c.log_transaction, webhooks.c.log_entry), IS_FINAL)
    .order_by(*(column.desc() for column in LOG_KEY))
    .limit(literal_column("1"))
    .lateral("last_enqueued")
)
_COUNT: Final = select(
    webhooks.c.name,
    cast(webhooks.c.declaration, Text).label("declaration"),
    webhooks.c.retired_at.is_not(None).label("is_retired"),
    _count(PENDING).label("pending"),
    _count(in_state(DeliveryState.DEAD)).label("dead"),
).order_by(webhooks.c.name)
_COUNT_ALL: Final = Statement.of(_COUNT)
_READ: Final = Statement.of(
    _COUNT.add_columns(
        _LAST_ENQUEUED,
        (webhooks.c.disabled_by_reconciliation == webhooks.c.reconciliation).label("is_disabled"),
        case((webhooks.c.paused_until > func.now(), webhooks.c.paused_until)).label("paused_until"),
        _IS_DELAYED.label("is_delayed"),
        _FIRST_FAILED.c.last_result,
        func.greatest(_FIRST_FAILED.c.next_attempt_at, webhooks.c.paused_until).label(
            "next_attempt_at"
        ),
        _OLDEST_PENDING_AT.label("oldest_pending_at"),
    )
    .select_from(webhooks)
    .outerjoin(_LAST_ENQUEUED, true())
    .outerjoin(_FIRST_FAILED, true())
    .where(webhooks.c.name == func.coalesce(bindparam("webhook_name", type_=Text), webhooks.c.name))
)
_STATES: Final = {
    "is_retired": WebhookState.RETIRED,
    "is_disabled": WebhookState.DISABLED,
    "paused_until": WebhookState.PAUSED,
    "is_delayed": WebhookState.DELAYED,
    "last_result": WebhookState.FAILING,
}
"""The state of a webhook by the first of these columns that is true or not null."""
_NAMES: Final = Statement.of(select(webhooks.c.name))


@dataclass(frozen=True, slots=True)
class DeliveryCounts:
    """The numbers of pending deliveries and dead letters of a webhook.

    Attributes:
        declaration: None if the webhook is retired: rules may have changed since.

    """

    name: str
    declaration: Webhook | None
    pending: int
    dead: int


@dataclass(frozen=True, slots=True)
class WebhookStatus:
    """The status of a webhook.

    Attributes:
        position: the log position up to which deliveries were enqueued.
        oldest_pending_at: when the oldest change that is not delivered happened.
        paused_until: set if the receiver asked to wait until then.
        next_attempt_at: when the next failed delivery is attempted again, at the earliest; None
            if no failed delivery is pending, or it is not attempted in this state.
        last_result: the result of its last attempt; None if no failed delivery is pending.

    """

    declaration: Webhook
    state: WebhookState
    position: Position
    pending: int
    oldest_pending_at: datetime | None
    dead: int
    paused_until: datetime | None
    next_attempt_at: datetime | None
    last_result: str | None


async def count_deliveries(database: Database) -> list[DeliveryCounts]:
    """Return the numbers of deliveries of all webhooks, which cost less than their status."""
    return [
        DeliveryCounts(
            row["name"],
            None if row["is_retired"] else Webhook.model_validate_json(row["declaration"]),
            row["pending"],
            row["dead"],
        )
        for row in await database.rows(_COUNT_ALL)
    ]


async def read_statuses(database: Database, name: str | None = None) -> list[WebhookStatus]:
    """Return the status of all webhooks, or of one, ordered by name; includes retired ones.

    It checks no permission: it is for the command line.
    """
    return [_status_of(row) for row in await database.rows(_READ, webhook_name=name)]


def _status_of(row: Row) -> WebhookStatus:
    state = next((each for column, each in _STATES.items() if row[column]), WebhookState.WORKING)
    is_ended = state in {WebhookState.RETIRED, WebhookState.DISABLED}
    return WebhookStatus(
        declaration=Webhook.model_validate_json(row["declaration"]),
        state=state,
        position=LOG_START if row["entry"] is None else Position.of(row),
        pending=row["pending"],
        oldest_pending_at=row["oldest_pending_at"],
        dead=row["dead"],
        paused_until=row["paused_until"],
        next_attempt_at=None if is_ended or not row["last_result"] else row["next_attempt_at"],
        last_result=row["last_result"],
    )


async def list_webhooks(database: Database, actor: Actor) -> list[WebhookStatus]:
    """Return the status of all webhooks, ordered by name; includes retired ones.

    Raises:
        Forbidden: the actor is not an admin.

    """
    require_admin(actor, "inspect webhooks")
    return await read_statuses(database)


async def find_webhook(database: Database, actor: Actor, name: str) -> WebhookStatus:
    """Return the status of one webhook.

    Raises:
        Forbidden: the actor is not an admin.
        NotFound: no webhook has this name.

    """
    require_admin(actor, "inspect webhooks")
    await require_webhook(database, name)
    [status] = await read_statuses(database, name)
    return status


async def read_names(source: Database | Session) -> list[str]:
    """Return the names of all webhooks, including retired ones."""
    return [row["name"] for row in await source.rows(_NAMES)]


async def require_webhook(source: Database | Session, name: str) -> None:
    """Raise NotFound, with similar names, if no webhook has this name."""
    known = await read_names(source)
    if name not in known:
        message = f"There is no webhook named {name!r}.{did_you_mean(name, known)}"
        raise NotFound(message, webhook=name)
