"""Deliveries: a server claims one, attempts it outside of any transaction, and records the result.

If the server stops in between, its claim expires and a server attempts the delivery again: at least
once. No delivery is claimed before the earlier ones of its ticket are delivered or dead: in order.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Integer,
    Interval,
    Text,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    null,
    select,
    tuple_,
    update,
)

from engine.errors import PositionLost
from engine.storage.history.log import IS_FINAL, overlap
from engine.storage.history.position import Position
from engine.storage.postgres.database import Database
from engine.storage.postgres.fingerprints import fingerprint
from engine.storage.postgres.rows import entry_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, webhook_deliveries, webhooks
from engine.storage.webhooks.fan_out import DUE, ENABLED, NOT_PAUSED, PENDING, DeclaredWebhook
from engine.tickets.ticket import rebuild_ticket
from engine.webhooks.cloud_events import RENDERED_KINDS, event_id, render_event
from engine.webhooks.retry_policy import AttemptResult, DeliveryState, RetryDecision

_LEASE: Final = timedelta(seconds=60)
"""How long a claim is valid: several times the timeout of an attempt."""
_RETENTION: Final = {
    DeliveryState.DELIVERED: timedelta(days=1),
    DeliveryState.DEAD: timedelta(days=90),
}
_PRUNE_BATCH: Final = 1_000

_KEY: Final = (
    webhook_deliveries.c.webhook,
    webhook_deliveries.c.ticket,
    webhook_deliveries.c.seq,
)
_IS_ENTRY: Final = (ticket_status_history.c.ticket == webhook_deliveries.c.ticket) & (
    ticket_status_history.c.seq == webhook_deliveries.c.seq
)
_NEXT: Final = (
    select(*_KEY, ticket_status_history.c.digest)
    .join_from(webhook_deliveries, webhooks)
    .join(ticket_status_history, _IS_ENTRY)
    .where(
        IS_FINAL,  # so that its position is known
        webhook_deliveries.c.webhook == bindparam("webhook_name"),
        webhooks.c.reconciliation == bindparam("declared_by", type_=BigInteger),
        ENABLED,
        NOT_PAUSED,
        DUE,
    )
    .order_by(webhook_deliveries.c.next_attempt_at)
    .limit(literal_column("1"))
    .with_for_update(of=webhook_deliveries, skip_locked=True)
    .cte("next")
)
_CLAIM: Final = Statement.of(
    update(webhook_deliveries)
    .where(tuple_(*_KEY) == tuple_(_NEXT.c.webhook, _NEXT.c.ticket, _NEXT.c.seq))
    .values(
        attempts=webhook_deliveries.c.attempts + 1,
        claimed_until=func.clock_timestamp() + bindparam("lease", type_=Interval),
    )
    .returning(
        *_KEY,
        webhook_deliveries.c.attempts,
        webhook_deliveries.c.claimed_until,
        _NEXT.c.digest,
    )
)
_IS_LAST: Final = ticket_status_history.c.seq == bindparam("last_seq")
_READ_ENTRIES: Final = Statement.of(
    select(
        ticket_status_history,
        case((_IS_LAST, overlap(ticket_status_history))).label("overlap"),
    )
    .where(
        ticket_status_history.c.ticket == bindparam("ticket_id"),
        ticket_status_history.c.seq <= bindparam("last_seq"),
        _IS_LAST
        | (
            ticket_status_history.c.kind
            == func.any(bindparam("kinds", type_=ARRAY(Text), value=list(RENDERED_KINDS)))
        ),
    )
    .order_by(ticket_status_history.c.seq)
)
_RETRY_IN: Final = bindparam("retry_in", type_=Interval)
_OF_TICKET: Final = (
    webhook_deliveries.c.webhook == bindparam("webhook_name"),
    webhook_deliveries.c.ticket == bindparam("ticket_id"),
    PENDING,
)
_RECORD_RESULT: Final = Statement.of(
    update(webhook_deliveries)
    .where(
        *_OF_TICKET,
        webhook_deliveries.c.seq == bindparam("entry_seq"),
        webhook_deliveries.c.claimed_until == bindparam("claim"),
    )
    .values(
        state=bindparam("new_state"),
        last_result=bindparam("result", type_=Text),
        claimed_until=null(),
        next_attempt_at=func.clock_timestamp() + func.coalesce(_RETRY_IN, timedelta()),
        finished_at=case((_RETRY_IN.is_(None), func.clock_timestamp()), else_=null()),
    )
)
"""Matches the claim, so a result changes nothing if another server has claimed the delivery since,
or if the database went back in time and the entry is another one."""
_DEFER_LATER: Final = Statement.of(
    update(webhook_deliveries)
    .where(*_OF_TICKET, webhook_deliveries.c.seq > bindparam("entry_seq"))
    .values(next_attempt_at=func.clock_timestamp() + _RETRY_IN)
)
"""Later deliveries of the ticket must wait, so they are not checked again before the retry."""
_PAUSE: Final = Statement.of(
    update(webhooks)
    .where(webhooks.c.name == bindparam("webhook_name"))
    .values(paused_until=func.clock_timestamp() + bindparam("pause_for", type_=Interval))
)
_DISABLE: Final = Statement.of(
    update(webhooks)
    .where(webhooks.c.name == bindparam("webhook_name"))
    .values(disabled_by_reconciliation=bindparam("declared_by"))
)
_OLD: Final = (
    select(*_KEY)
    .where(
        webhook_deliveries.c.state == bindparam("final_state"),
        webhook_deliveries.c.finished_at < func.now() - bindparam("age", type_=Interval),
    )
    .limit(bindparam("row_limit", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("old")
)
_PRUNE: Final = Statement.of(
    delete(webhook_deliveries)
    .where(tuple_(*_KEY) == tuple_(_OLD.c.webhook, _OLD.c.ticket, _OLD.c.seq))
    .returning(literal_column("1"))
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """A claimed delivery.

    Attributes:
        ticket, seq: the history entry to deliver.
        fingerprint: the beginning of the digest of the entry.
        attempts: the number of attempts, including this one.
        claimed_until: identifies the claim.

    """

    webhook: str
    ticket: str
    seq: int
    fingerprint: str
    attempts: int
    claimed_until: datetime

    @property
    def id(self) -> str:
        """The id of the message, the same for each attempt."""
        return event_id(self.ticket, self.seq, self.fingerprint)


async def claim(
    database: Database, webhook: DeclaredWebhook, lease: timedelta = _LEASE
) -> Delivery | None:
    """Claim the next due delivery; return None if none is due or the declaration has changed.

    During the lease, no other server gets this delivery or a later one of its ticket.
    """
    row = await database.row(
        _CLAIM,
        webhook_name=webhook.declaration.name,
        declared_by=webhook.reconciliation,
        lease=lease,
    )
    return row and Delivery(
        webhook=row["webhook"],
        ticket=row["ticket"],
        seq=row["seq"],
        fingerprint=fingerprint(row["digest"]),
        attempts=row["attempts"],
        claimed_until=row["claimed_until"],
    )


async def build_body(database: Database, delivery: Delivery) -> bytes:
    """Return the event of a delivery, with its ticket right after the change.

    Raises:
        PositionLost: the database went back in time after the delivery was claimed.

    """
    rows = await database.rows(_READ_ENTRIES, ticket_id=delivery.ticket, last_seq=delivery.seq)
    if not rows or fingerprint(rows[-1]["digest"]) != delivery.fingerprint:
        raise PositionLost
    entries = [entry_of(row) for row in rows]
    position = str(Position.of(rows[-1]))
    return render_event(rebuild_ticket(entries), entries[-1], delivery.fingerprint, position)


async def record_result(
    database: Database,
    webhook: DeclaredWebhook,
    delivery: Delivery,
    result: AttemptResult,
    decision: RetryDecision,
) -> None:
    """Record the result of an attempt, and defer, pause or disable what must wait."""
    key: dict[str, object] = {
        "webhook_name": delivery.webhook,
        "ticket_id": delivery.ticket,
        "entry_seq": delivery.seq,
        "retry_in": decision.retry_in,
    }
    async with database.transaction() as session:
        await session.run(
            _RECORD_RESULT,
            **key,
            claim=delivery.claimed_until,
            new_state=decision.state,
            result=str(result),
        )
        if decision.retry_in is not None:
            await session.run(_DEFER_LATER, **key)
        if decision.pause_for:
            await session.run(_PAUSE, webhook_name=delivery.webhook, pause_for=decision.pause_for)
        if result.is_gone:
            await session.run(
                _DISABLE, webhook_name=delivery.webhook, declared_by=webhook.reconciliation
            )


async def prune_deliveries(database: Database, batch: int = _PRUNE_BATCH) -> int:
    """Delete deliveries that finished longer ago than their retention; return their number."""
    count = 0
    for state, age in _RETENTION.items():
        while rows := await database.rows(_PRUNE, final_state=state, age=age, row_limit=batch):
            count += len(rows)
    return count
