"""Dead letters: what could not be delivered to webhooks, which people look at and send again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Integer, Text, bindparam, func, select, update

from engine.errors import NotFound
from engine.findings import did_you_mean
from engine.storage.postgres.database import Database, Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, webhook_deliveries, webhooks
from engine.storage.webhooks.status import is_in
from engine.tickets.history import EntryKind
from engine.vocabulary import TicketEvent
from engine.webhooks.cloud_events import EVENTS, event_id
from engine.webhooks.retry_policy import DeliveryState

SHOWN_DEAD_MOST: Final = 1_000

LETTERS: Final = (
    select(webhook_deliveries, ticket_status_history.c.kind)
    .join(
        ticket_status_history,
        (ticket_status_history.c.ticket == webhook_deliveries.c.ticket)
        & (ticket_status_history.c.seq == webhook_deliveries.c.seq),
    )
    .where(is_in(DeliveryState.DEAD))
    .order_by(
        webhook_deliveries.c.finished_at.desc(),
        webhook_deliveries.c.ticket.desc(),
        webhook_deliveries.c.seq.desc(),
    )
    .limit(bindparam("most", type_=Integer))
)
"""What was given up, latest first."""
DEAD: Final = Statement.of(
    LETTERS.where(
        webhook_deliveries.c.webhook
        == func.coalesce(bindparam("of_webhook", type_=Text), webhook_deliveries.c.webhook)
    )
)
NAMES: Final = Statement.of(select(webhooks.c.name))
RELEASE: Final = Statement.of(
    update(webhooks)
    .where(webhooks.c.name == bindparam("released"))
    .values(paused_until=None, disabled_by_reconciliation=None)
)
AGAIN: Final = (
    update(webhook_deliveries)
    .where(webhook_deliveries.c.webhook == bindparam("released"))
    .returning(webhook_deliveries.c.seq)
)
HASTEN: Final = Statement.of(
    AGAIN.where(
        is_in(DeliveryState.PENDING),
        webhook_deliveries.c.next_attempt_at > func.clock_timestamp(),
    ).values(next_attempt_at=func.clock_timestamp())
)
REVIVE: Final = Statement.of(
    AGAIN.where(is_in(DeliveryState.DEAD)).values(
        state=DeliveryState.PENDING,
        attempts=0,
        finished_at=None,
        next_attempt_at=func.clock_timestamp(),
    )
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """Something that was given up.

    Attributes:
        ticket, seq: the history entry that was to be told.
        answer: what became of the last attempt.
        at: when it was given up.

    """

    webhook: str
    ticket: str
    seq: int
    event: TicketEvent
    attempts: int
    answer: str
    at: datetime

    @property
    def id(self) -> str:
        """What the message is called."""
        return event_id(self.ticket, self.seq)


async def dead_letters(
    database: Database, name: str | None = None, most: int = SHOWN_DEAD_MOST
) -> list[DeadLetter]:
    """Return what was given up, latest first; of one webhook, or of all.

    Raises:
        NotFound: there is no webhook of that name.

    """
    if name is not None:
        await require_webhook(database, name)
    return [letter_of(row) for row in await database.rows(DEAD, of_webhook=name, most=most)]


def letter_of(row: Row) -> DeadLetter:
    """Return a row of `LETTERS`."""
    return DeadLetter(
        webhook=row["webhook"],
        ticket=row["ticket"],
        seq=row["seq"],
        event=EVENTS[EntryKind(row["kind"])],
        attempts=row["attempts"],
        answer=row["last_answer"],
        at=row["finished_at"],
    )


async def retry_deliveries(database: Database, name: str, *, dead: bool) -> int:
    """Have what failed attempted again now, and return how much that is.

    A receiver that asked to wait, or said that it is gone, is called again.

    Args:
        database: where.
        name: of the webhook.
        dead: what was given up, too; it begins anew.

    Raises:
        NotFound: there is no webhook of that name.

    """
    async with database.transaction() as session:
        await require_webhook(session, name)
        await session.run(RELEASE, released=name)
        statements = (HASTEN, REVIVE) if dead else (HASTEN,)
        return sum([len(await session.rows(each, released=name)) for each in statements])


async def require_webhook(source: Database | Session, name: str) -> None:
    """Return if there is a webhook of that name.

    Raises:
        NotFound: there is none; the near names are offered.

    """
    known: Sequence[str] = [row["name"] for row in await source.rows(NAMES)]
    if name not in known:
        message = f"There is no webhook named {name!r}.{did_you_mean(name, known)}"
        raise NotFound(message, webhook=name)
