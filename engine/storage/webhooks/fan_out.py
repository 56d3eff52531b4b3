"""Fan-out: ticket changes become deliveries, one for each webhook that subscribes to them.

Every server does this. A server locks the row of a webhook, and other servers skip it. The log
key up to which changes are enqueued is saved in the same transaction, so no change is skipped or
enqueued twice, even if the database goes back in time: the saved key goes back with the log.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    FromClause,
    Integer,
    Text,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    tuple_,
    update,
)
from sqlalchemy.dialects.postgresql import insert

from engine.declaration.models import Webhook
from engine.storage.history.log import IS_FINAL, LOG_KEY
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, webhook_deliveries, webhooks
from engine.storage.resources.plugins import TICKETING_ENABLED
from engine.webhooks.cloud_events import entry_kinds
from engine.webhooks.retry_policy import DeliveryState

BATCH_ENTRIES: Final = 500
MAX_PENDING: Final = 10_000
"""The number of pending deliveries of one webhook; later changes wait in the log."""


def in_state(
    state: DeliveryState, deliveries: FromClause = webhook_deliveries
) -> ColumnElement[bool]:
    """Return the condition that a delivery is in a state, as a literal that matches the indexes."""
    condition: ColumnElement[bool] = deliveries.c.state == literal_column(f"'{state}'")
    return condition


PENDING: Final = in_state(DeliveryState.PENDING)
_EARLIER: Final = webhook_deliveries.alias("earlier")
_IS_FIRST_OF_TICKET: Final = (
    select(_EARLIER.c.seq)
    .where(
        _EARLIER.c.webhook == webhook_deliveries.c.webhook,
        _EARLIER.c.ticket == webhook_deliveries.c.ticket,
        _EARLIER.c.seq < webhook_deliveries.c.seq,
        in_state(DeliveryState.PENDING, _EARLIER),
    )
    .order_by(_EARLIER.c.seq)
    .limit(literal_column("1"))
    .scalar_subquery()
    .is_(None)
)
"""Evaluated per row: statistics lag behind a queue, and a join that PostgreSQL planned for an empty
queue is slow when it is full."""
_IS_UNCLAIMED: Final = func.coalesce(webhook_deliveries.c.claimed_until, func.now()) <= func.now()
DUE: Final = (
    PENDING
    & (webhook_deliveries.c.next_attempt_at <= func.now())
    & _IS_UNCLAIMED
    & _IS_FIRST_OF_TICKET
)
"""Deliveries to attempt now: of each ticket, only the first that is pending."""
ENABLED: Final = (
    webhooks.c.retired_at.is_(None)
    & TICKETING_ENABLED
    & webhooks.c.disabled_by_reconciliation.is_distinct_from(webhooks.c.reconciliation)
)
NOT_PAUSED: Final = func.coalesce(webhooks.c.paused_until, func.now()) <= func.now()

_HAS_NEW_ENTRIES: Final = (
    select(ticket_status_history.c.entry)
    .where(tuple_(*LOG_KEY) > tuple_(webhooks.c.log_transaction, webhooks.c.log_entry), IS_FINAL)
    .order_by(*LOG_KEY)
    .limit(literal_column("1"))
    .scalar_subquery()
    .is_not(None)
)
"""The order makes PostgreSQL use the index; for EXISTS it would scan the table."""
_HAS_DUE_DELIVERIES: Final = (
    select(webhook_deliveries.c.seq)
    .where(webhook_deliveries.c.webhook == webhooks.c.name, DUE)
    .order_by(webhook_deliveries.c.next_attempt_at)
    .limit(literal_column("1"))
    .scalar_subquery()
    .is_not(None)
)
_FIND_WEBHOOKS: Final = Statement.of(
    select(
        webhooks.c.name,
        cast(webhooks.c.declaration, Text).label("declaration"),
        webhooks.c.reconciliation,
    ).where(ENABLED, _HAS_NEW_ENTRIES | (NOT_PAUSED & _HAS_DUE_DELIVERIES))
)
_LOCK_POSITION: Final = Statement.of(
    select(webhooks.c.log_transaction, webhooks.c.log_entry)
    .where(webhooks.c.name == bindparam("webhook_name"), ENABLED)
    .with_for_update(key_share=True, skip_locked=True)
)
_COUNT_PENDING: Final = Statement.of(
    select(func.count().label("pending")).select_from(
        select(literal_column("1"))
        .where(webhook_deliveries.c.webhook == bindparam("webhook_name"), PENDING)
        .limit(literal_column(str(MAX_PENDING)))
        .subquery()
    )
)
_AFTER: Final = (
    bindparam("after_transaction", type_=BigInteger),
    bindparam("after_entry", type_=BigInteger),
)
_NEXT_ENTRIES: Final = Statement.of(
    select(ticket_status_history.c.ticket, ticket_status_history.c.seq, *LOG_KEY)
    .where(tuple_(*LOG_KEY) > tuple_(*_AFTER), IS_FINAL)
    .order_by(*LOG_KEY)
    .limit(bindparam("at_most", type_=BigInteger))
)
_LATEST: Final = (
    func.unnest(bindparam("tickets", type_=ARRAY(Text)), bindparam("seqs", type_=ARRAY(Integer)))
    .table_valued(column("ticket", Text), column("seq", Integer))
    .render_derived(name="latest")
)
_PREVIOUS_ATTEMPT_AT: Final = (
    select(webhook_deliveries.c.next_attempt_at)
    .where(
        webhook_deliveries.c.webhook == bindparam("webhook_name", type_=Text),
        webhook_deliveries.c.ticket == ticket_status_history.c.ticket,
        PENDING,
    )
    .order_by(webhook_deliveries.c.seq.desc())
    .limit(literal_column("1"))
    .scalar_subquery()
)
"""The next attempt of the previous delivery of the ticket: before it, this one cannot be sent."""
_ENQUEUE: Final = Statement.of(
    insert(webhook_deliveries)
    .from_select(
        ["webhook", "ticket", "seq", "next_attempt_at"],
        select(
            bindparam("webhook_name", type_=Text),
            ticket_status_history.c.ticket,
            ticket_status_history.c.seq,
            func.coalesce(_PREVIOUS_ATTEMPT_AT, func.clock_timestamp()),
        )
        .join_from(
            _LATEST,
            ticket_status_history,
            (ticket_status_history.c.ticket == _LATEST.c.ticket)
            & (ticket_status_history.c.seq <= _LATEST.c.seq),
        )
        .where(
            tuple_(*LOG_KEY) > tuple_(*_AFTER),
            ticket_status_history.c.kind == func.any(bindparam("kinds", type_=ARRAY(Text))),
        ),
    )
    .on_conflict_do_nothing()
)
"""Also enqueues the earlier entries of each ticket, which can come later in the log: a transaction
that waited for the ticket can have the older transaction id and the later entry."""
_SAVE_POSITION: Final = Statement.of(
    update(webhooks)
    .where(webhooks.c.name == bindparam("webhook_name"))
    .values(log_transaction=bindparam("to_transaction"), log_entry=bindparam("to_entry"))
)


@dataclass(frozen=True, slots=True)
class DeclaredWebhook:
    """A webhook as a reconciliation declared it.

    Attributes:
        reconciliation: the number of that reconciliation.

    """

    declaration: Webhook
    reconciliation: int


async def find_webhooks_with_work(database: Database) -> list[DeclaredWebhook]:
    """Return the webhooks with new changes or due deliveries; none while ticketing is off."""
    return [
        DeclaredWebhook(Webhook.model_validate_json(row["declaration"]), row["reconciliation"])
        for row in await database.rows(_FIND_WEBHOOKS)
    ]


async def fan_out(database: Database, webhook: Webhook, limit: int = BATCH_ENTRIES) -> bool:
    """Enqueue deliveries for the next log entries; return whether there can be more entries."""
    name = webhook.name
    async with database.transaction() as session:
        row = await session.row(_LOCK_POSITION, webhook_name=name)
        if row is None:
            return False
        after = {
            "after_transaction": row["log_transaction"],
            "after_entry": row["log_entry"],
        }
        [count] = await session.rows(_COUNT_PENDING, webhook_name=name)
        limit = min(limit, MAX_PENDING - count["pending"])
        entries = await session.rows(_NEXT_ENTRIES, **after, at_most=limit)
        if entries:
            latest: dict[str, int] = {}
            for each in entries:
                latest[each["ticket"]] = max(each["seq"], latest.get(each["ticket"], 0))
            await session.run(
                _ENQUEUE,
                **after,
                webhook_name=name,
                tickets=list(latest),
                seqs=list(latest.values()),
                kinds=entry_kinds(webhook.events),
            )
            await session.run(
                _SAVE_POSITION,
                webhook_name=name,
                to_transaction=entries[-1]["transaction"],
                to_entry=entries[-1]["entry"],
            )
        return len(entries) == limit > 0
