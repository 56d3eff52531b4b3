"""Webhooks as servers work on them: what happened is spread into deliveries, one by one in order.

Every server does it. Who spreads for a webhook holds its row, and others pass it over; how far it
came is written in the same transaction, so nothing is skipped and nothing owed twice.
"""

from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
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
from engine.storage.history.log import (
    AFTER_ENTRY,
    AFTER_TRANSACTION,
    OLDEST_RUNNING,
    POSITION_COLUMNS,
    LogEntry,
    Position,
    read_log,
)
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, webhook_deliveries, webhooks
from engine.storage.resources.plugins import TICKETING_ENABLED
from engine.webhooks.cloud_events import kinds_of
from engine.webhooks.retry_policy import DeliveryState

BATCH_ENTRIES: Final = 500
PENDING_MOST: Final = 10_000
"""Deliveries that one webhook may owe; what is beyond waits in the log."""

PENDING: Final[ColumnElement[bool]] = webhook_deliveries.c.state == literal_column(
    f"'{DeliveryState.PENDING}'"
)
EARLIER: Final = webhook_deliveries.alias("earlier")
NEXT_OF_ITS_TICKET: Final = (
    select(EARLIER.c.seq)
    .where(
        EARLIER.c.webhook == webhook_deliveries.c.webhook,
        EARLIER.c.ticket == webhook_deliveries.c.ticket,
        EARLIER.c.seq < webhook_deliveries.c.seq,
        EARLIER.c.state == literal_column(f"'{DeliveryState.PENDING}'"),
    )
    .order_by(EARLIER.c.seq)
    .limit(literal_column("1"))
    .scalar_subquery()
    .is_(None)
)
"""Asked for row by row: a queue is emptied and filled faster than anybody counts it, and a join
that was planned for an empty one is slow."""
NOT_CLAIMED: Final = func.coalesce(webhook_deliveries.c.claimed_until, func.now()) <= func.now()
DUE: Final = (
    PENDING
    & (webhook_deliveries.c.next_attempt_at <= func.now())
    & NOT_CLAIMED
    & NEXT_OF_ITS_TICKET
)
"""What may be attempted: of each ticket, what was not delivered first, when its time has come."""
IN_FORCE: Final = (
    webhooks.c.retired_at.is_(None)
    & TICKETING_ENABLED
    & webhooks.c.disabled_by_reconciliation.is_distinct_from(webhooks.c.reconciliation)
)
NOT_HELD: Final = func.coalesce(webhooks.c.paused_until, func.now()) <= func.now()

NEWS: Final = (
    select(ticket_status_history.c.entry)
    .where(
        tuple_(*POSITION_COLUMNS) > tuple_(webhooks.c.log_transaction, webhooks.c.log_entry),
        ticket_status_history.c.transaction < OLDEST_RUNNING,
    )
    .order_by(*POSITION_COLUMNS)
    .limit(literal_column("1"))
    .scalar_subquery()
    .is_not(None)
)
"""Asked for in order: whether there is any, PostgreSQL would look for by reading the table."""
DEBT: Final = (
    select(webhook_deliveries.c.seq)
    .where(webhook_deliveries.c.webhook == webhooks.c.name, DUE)
    .order_by(webhook_deliveries.c.next_attempt_at)
    .limit(literal_column("1"))
    .scalar_subquery()
    .is_not(None)
)
AT_WORK: Final = Statement.of(
    select(
        webhooks.c.name,
        cast(webhooks.c.declaration, Text).label("declaration"),
        webhooks.c.reconciliation,
    ).where(IN_FORCE, NEWS | (NOT_HELD & DEBT))
)
TAKE: Final = Statement.of(
    select(webhooks.c.log_transaction, webhooks.c.log_entry)
    .where(webhooks.c.name == bindparam("taken"), IN_FORCE)
    .with_for_update(key_share=True, skip_locked=True)
)
OWED: Final = Statement.of(
    select(func.count().label("pending")).select_from(
        select(literal_column("1"))
        .where(webhook_deliveries.c.webhook == bindparam("taken"), PENDING)
        .limit(literal_column(str(PENDING_MOST)))
        .subquery()
    )
)
LATEST: Final = (
    func.unnest(bindparam("tickets", type_=ARRAY(Text)), bindparam("seqs", type_=ARRAY(Integer)))
    .table_valued(column("ticket", Text), column("seq", Integer))
    .render_derived(name="latest")
)
WAITED_FOR: Final = (
    select(webhook_deliveries.c.next_attempt_at)
    .where(
        webhook_deliveries.c.webhook == bindparam("taken", type_=Text),
        webhook_deliveries.c.ticket == ticket_status_history.c.ticket,
        PENDING,
    )
    .order_by(webhook_deliveries.c.seq.desc())
    .limit(literal_column("1"))
    .scalar_subquery()
)
"""When what comes before it in its ticket is attempted next: it would only be passed over until
then."""
SPREAD: Final = Statement.of(
    insert(webhook_deliveries)
    .from_select(
        ["webhook", "ticket", "seq", "next_attempt_at"],
        select(
            bindparam("taken", type_=Text),
            ticket_status_history.c.ticket,
            ticket_status_history.c.seq,
            func.coalesce(WAITED_FOR, func.clock_timestamp()),
        )
        .join_from(
            LATEST,
            ticket_status_history,
            (ticket_status_history.c.ticket == LATEST.c.ticket)
            & (ticket_status_history.c.seq <= LATEST.c.seq),
        )
        .where(
            tuple_(*POSITION_COLUMNS) > tuple_(AFTER_TRANSACTION, AFTER_ENTRY),
            ticket_status_history.c.kind == func.any(bindparam("kinds", type_=ARRAY(Text))),
        ),
    )
    .on_conflict_do_nothing()
)
"""With the entries of each ticket up to the latest come those before it, wherever the log has them:
who waited for a ticket may have the older transaction and the later entry."""
FOLLOWED: Final = Statement.of(
    update(webhooks)
    .where(webhooks.c.name == bindparam("taken"))
    .values(log_transaction=bindparam("to_transaction"), log_entry=bindparam("to_entry"))
)


@dataclass(frozen=True, slots=True)
class WebhookAtWork:
    """A webhook for which there is something to do.

    Attributes:
        reconciliation: the number of the one that declared it as it is.

    """

    declared: Webhook
    reconciliation: int


async def webhooks_at_work(database: Database) -> list[WebhookAtWork]:
    """Return the webhooks that have something to be told; none while ticketing is switched off."""
    return [
        WebhookAtWork(Webhook.model_validate_json(row["declaration"]), row["reconciliation"])
        for row in await database.rows(AT_WORK)
    ]


async def fan_out(database: Database, webhook: Webhook, most: int = BATCH_ENTRIES) -> bool:
    """Make deliveries of what comes next in the log; tell whether there may be more to spread."""
    async with database.transaction() as session:
        row = await session.row(TAKE, taken=webhook.name)
        if row is None:
            return False
        position = Position(row["log_transaction"], row["log_entry"])
        limit = min(most, await capacity(session, webhook.name))
        entries = await read_log(session, position, limit)
        if entries:
            await enqueue(session, webhook, position, entries)
        return len(entries) == limit > 0


async def capacity(session: Session, name: str) -> int:
    """Return how many more deliveries a webhook may owe."""
    row = await session.row(OWED, taken=name)
    return PENDING_MOST - (row["pending"] if row else 0)


async def enqueue(
    session: Session, webhook: Webhook, position: Position, entries: list[LogEntry]
) -> None:
    """Make deliveries of those entries behind a position that the webhook is told of."""
    latest: dict[str, int] = {}
    for each in entries:
        latest[each.entry.ticket] = max(each.entry.seq, latest.get(each.entry.ticket, 0))
    await session.run(
        SPREAD,
        taken=webhook.name,
        tickets=list(latest),
        seqs=list(latest.values()),
        after_transaction=position.transaction,
        after_entry=position.entry,
        kinds=kinds_of(webhook.events),
    )
    to = entries[-1].position
    await session.run(
        FOLLOWED, taken=webhook.name, to_transaction=to.transaction, to_entry=to.entry
    )
