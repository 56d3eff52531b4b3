"""Deliveries: each is claimed for a while, attempted outside of any transaction, and settled.

Whoever dies in between leaves a claim that runs out, and somebody attempts it again: at least once.
Of a ticket nothing is claimed before what came first is delivered or dead: in order.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
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

from engine.storage.history.log import Position
from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.rows import entry_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, webhook_deliveries, webhooks
from engine.storage.webhooks.fan_out import DUE, IN_FORCE, NOT_HELD, PENDING, WebhookAtWork
from engine.tickets.ticket import rebuild_ticket
from engine.webhooks.cloud_events import SHOWING, cloud_event, event_id
from engine.webhooks.retry_policy import DeliveryState, Verdict, WebhookResponse

LEASE: Final = timedelta(seconds=60)
"""How long a claim lasts: several times what an attempt may take."""
DELIVERED_KEPT: Final = timedelta(days=1)
DEAD_KEPT: Final = timedelta(days=90)
BATCH_DELIVERIES: Final = 1_000

KEY: Final = (
    webhook_deliveries.c.webhook,
    webhook_deliveries.c.ticket,
    webhook_deliveries.c.seq,
)
NEXT: Final = (
    select(*KEY)
    .join(webhooks)
    .where(
        webhook_deliveries.c.webhook == bindparam("claimed"),
        webhooks.c.reconciliation == bindparam("as_declared_by", type_=BigInteger),
        IN_FORCE,
        NOT_HELD,
        DUE,
    )
    .order_by(webhook_deliveries.c.next_attempt_at)
    .limit(literal_column("1"))
    .with_for_update(of=webhook_deliveries, skip_locked=True)
    .cte("next")
)
CLAIM: Final = Statement.of(
    update(webhook_deliveries)
    .where(tuple_(*KEY) == tuple_(NEXT.c.webhook, NEXT.c.ticket, NEXT.c.seq))
    .values(
        attempts=webhook_deliveries.c.attempts + 1,
        claimed_until=func.clock_timestamp() + bindparam("lease", type_=Interval),
    )
    .returning(*KEY, webhook_deliveries.c.attempts)
)
TOLD: Final = Statement.of(
    select(ticket_status_history)
    .where(
        ticket_status_history.c.ticket == bindparam("of_ticket"),
        ticket_status_history.c.seq <= bindparam("until"),
        (ticket_status_history.c.seq == bindparam("until"))
        | (
            ticket_status_history.c.kind
            == func.any(bindparam("showing", type_=ARRAY(Text), value=list(SHOWING)))
        ),
    )
    .order_by(ticket_status_history.c.seq)
)
AGAIN_IN: Final = bindparam("again_in", type_=Interval)
SETTLE: Final = Statement.of(
    update(webhook_deliveries)
    .where(
        webhook_deliveries.c.webhook == bindparam("of_webhook"),
        webhook_deliveries.c.ticket == bindparam("of_ticket"),
        webhook_deliveries.c.seq == bindparam("of_seq"),
        webhook_deliveries.c.attempts == bindparam("of_attempt"),
        PENDING,
    )
    .values(
        state=bindparam("new_state"),
        last_answer=bindparam("answer", type_=Text),
        claimed_until=null(),
        next_attempt_at=func.clock_timestamp() + func.coalesce(AGAIN_IN, timedelta()),
        finished_at=case((AGAIN_IN.is_(None), func.clock_timestamp()), else_=null()),
    )
)
"""Of the very attempt: whoever comes after their claim ran out changes nothing."""
DEFER: Final = Statement.of(
    update(webhook_deliveries)
    .where(
        webhook_deliveries.c.webhook == bindparam("of_webhook"),
        webhook_deliveries.c.ticket == bindparam("of_ticket"),
        webhook_deliveries.c.seq > bindparam("of_seq"),
        PENDING,
    )
    .values(next_attempt_at=func.clock_timestamp() + AGAIN_IN)
)
"""What comes after it in its ticket would only be passed over until then, again and again."""
HOLD: Final = Statement.of(
    update(webhooks)
    .where(webhooks.c.name == bindparam("held"))
    .values(paused_until=func.clock_timestamp() + bindparam("hold_for", type_=Interval))
)
LEAVE: Final = Statement.of(
    update(webhooks)
    .where(webhooks.c.name == bindparam("left"))
    .values(disabled_by_reconciliation=bindparam("as_declared_by"))
)
OLD: Final = (
    select(*KEY)
    .where(
        webhook_deliveries.c.state == bindparam("settled_as"),
        webhook_deliveries.c.finished_at < func.now() - bindparam("age", type_=Interval),
    )
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
    .cte("old")
)
PRUNE: Final = Statement.of(
    delete(webhook_deliveries)
    .where(tuple_(*KEY) == tuple_(OLD.c.webhook, OLD.c.ticket, OLD.c.seq))
    .returning(literal_column("1"))
)


@dataclass(frozen=True, slots=True)
class Delivery:
    """Something that is attempted now.

    Attributes:
        ticket, seq: the history entry that is told.
        attempts: how many there were, this one included.

    """

    webhook: str
    ticket: str
    seq: int
    attempts: int

    @property
    def id(self) -> str:
        """What the message is called, the same each time that it is sent."""
        return event_id(self.ticket, self.seq)


async def claim(
    database: Database, webhook: WebhookAtWork, lease: timedelta = LEASE
) -> Delivery | None:
    """Return the delivery to be attempted next; None if none is due, or it is declared otherwise.

    Nobody else is given it, nor a later one of its ticket, for the length of the lease.
    """
    row = await database.row(
        CLAIM,
        claimed=webhook.declared.name,
        as_declared_by=webhook.reconciliation,
        lease=lease,
    )
    return row and Delivery(row["webhook"], row["ticket"], row["seq"], row["attempts"])


async def body_of(database: Database, delivery: Delivery) -> bytes:
    """Return what is told: the entry as an event, with its ticket as the entry left it."""
    rows = await database.rows(TOLD, of_ticket=delivery.ticket, until=delivery.seq)
    entries = [entry_of(row) for row in rows]
    position = Position(rows[-1]["transaction"], rows[-1]["entry"])
    return cloud_event(rebuild_ticket(entries), entries[-1], str(position))


async def settle(
    database: Database,
    webhook: WebhookAtWork,
    delivery: Delivery,
    answer: WebhookResponse,
    verdict: Verdict,
) -> None:
    """Write down what became of an attempt, and what is done next."""
    of: dict[str, object] = {
        "of_webhook": delivery.webhook,
        "of_ticket": delivery.ticket,
        "of_seq": delivery.seq,
        "again_in": verdict.again_in,
    }
    async with database.transaction() as session:
        await session.run(
            SETTLE,
            **of,
            of_attempt=delivery.attempts,
            new_state=verdict.state,
            answer=str(answer),
        )
        if verdict.again_in is not None:
            await session.run(DEFER, **of)
        await heed(session, webhook, answer, verdict)


async def heed(
    session: Session, webhook: WebhookAtWork, answer: WebhookResponse, verdict: Verdict
) -> None:
    """Let a receiver be that asks to wait, or says that it is gone."""
    name = webhook.declared.name
    if verdict.hold_for:
        await session.run(HOLD, held=name, hold_for=verdict.hold_for)
    if answer.is_gone:
        await session.run(LEAVE, left=name, as_declared_by=webhook.reconciliation)


KEPT: Final[Sequence[tuple[DeliveryState, timedelta]]] = (
    (DeliveryState.DELIVERED, DELIVERED_KEPT),
    (DeliveryState.DEAD, DEAD_KEPT),
)
"""How long what is settled can be looked at."""


async def prune_deliveries(database: Database, most: int = BATCH_DELIVERIES) -> int:
    """Forget what was settled long ago, in batches; return how much was forgotten."""
    forgotten = 0
    for state, age in KEPT:
        while rows := await database.rows(PRUNE, settled_as=state, age=age, most=most):
            forgotten += len(rows)
    return forgotten
