"""Dead letters: deliveries that failed permanently, and how admins retry them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import (
    ARRAY,
    DateTime,
    Integer,
    Text,
    bindparam,
    column,
    func,
    select,
    true,
    tuple_,
    update,
)

from engine.permissions import require_admin
from engine.storage.postgres.database import Database, Row
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, webhook_deliveries, webhooks
from engine.storage.webhooks.fan_out import PENDING, in_state
from engine.storage.webhooks.status import require_webhook
from engine.tickets.actor import Actor
from engine.tickets.history import EntryKind
from engine.vocabulary import TicketEvent
from engine.webhooks.cloud_events import EVENT_TYPES, event_id
from engine.webhooks.retry_policy import DeliveryState

_MAX_LISTED: Final = 1_000

_IS_DEAD: Final = in_state(DeliveryState.DEAD)
_KEY: Final = (
    webhook_deliveries.c.finished_at,
    webhook_deliveries.c.ticket,
    webhook_deliveries.c.seq,
)
_DEAD_LETTERS: Final = (
    select(webhook_deliveries, ticket_status_history.c.kind)
    .join(
        ticket_status_history,
        (ticket_status_history.c.ticket == webhook_deliveries.c.ticket)
        & (ticket_status_history.c.seq == webhook_deliveries.c.seq),
    )
    .where(_IS_DEAD)
    .order_by(*(each.desc() for each in _KEY))
    .limit(bindparam("row_limit", type_=Integer))
)
_LIST: Final = Statement.of(
    _DEAD_LETTERS.where(
        webhook_deliveries.c.webhook
        == func.coalesce(bindparam("webhook_name", type_=Text), webhook_deliveries.c.webhook)
    )
)
_NAMED: Final = (
    func.unnest(bindparam("names", type_=ARRAY(Text)))
    .table_valued(column("name", Text))
    .render_derived(name="named")
)
_PAGE: Final = _DEAD_LETTERS.where(
    webhook_deliveries.c.webhook == _NAMED.c.name,
    tuple_(*_KEY)
    < tuple_(
        bindparam("before_time", type_=DateTime(timezone=True)),
        bindparam("before_ticket", type_=Text),
        bindparam("before_seq", type_=Integer),
    ),
).lateral("page")
_READ_PAGES: Final = Statement.of(
    select(_PAGE)
    .select_from(_NAMED)
    .join(_PAGE, true())
    .order_by(_PAGE.c.finished_at.desc(), _PAGE.c.ticket.desc(), _PAGE.c.seq.desc())
)
"""One page of each webhook in one statement, however many webhooks there are."""
_ENABLE: Final = Statement.of(
    update(webhooks)
    .where(webhooks.c.name == bindparam("webhook_name"))
    .values(paused_until=None, disabled_by_reconciliation=None)
)
_RETRY: Final = (
    update(webhook_deliveries)
    .where(webhook_deliveries.c.webhook == bindparam("webhook_name"))
    .values(next_attempt_at=func.clock_timestamp())
    .returning(webhook_deliveries.c.seq)
)
_RETRY_PENDING: Final = Statement.of(
    _RETRY.where(PENDING, webhook_deliveries.c.next_attempt_at > func.clock_timestamp())
)
_RETRY_DEAD: Final = Statement.of(
    _RETRY.where(_IS_DEAD).values(state=DeliveryState.PENDING, attempts=0, finished_at=None)
)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A delivery that failed permanently.

    Attributes:
        ticket, seq: the history entry to deliver.
        result: the result of the last attempt.
        failed_at: when that was.

    """

    webhook: str
    ticket: str
    seq: int
    event: TicketEvent
    attempts: int
    result: str
    failed_at: datetime

    @property
    def id(self) -> str:
        """The id of the message."""
        return event_id(self.ticket, self.seq)


@dataclass(frozen=True, slots=True)
class DeadLetterCursor:
    """A place in a list of dead letters: after the dead letter with these values."""

    failed_at: datetime
    ticket: str
    seq: int


START: Final = DeadLetterCursor(datetime.max.replace(tzinfo=UTC), "", 0)
"""Before the latest dead letter."""


@dataclass(frozen=True, slots=True)
class DeadLetterPage:
    """A page of dead letters, latest first."""

    dead_letters: tuple[DeadLetter, ...]
    has_more: bool


async def list_dead_letters(
    database: Database, name: str | None = None, limit: int = _MAX_LISTED
) -> list[DeadLetter]:
    """Return the dead letters of one webhook or of all, latest first.

    It checks no permission: it is for the command line.

    Raises:
        NotFound: no webhook has this name.

    """
    if name is not None:
        await require_webhook(database, name)
    return list(
        map(_dead_letter_of, await database.rows(_LIST, webhook_name=name, row_limit=limit))
    )


async def read_dead_letter_pages(
    database: Database,
    actor: Actor,
    names: Sequence[str],
    size: int,
    after: DeadLetterCursor = START,
) -> Mapping[str, DeadLetterPage]:
    """Return the next page of dead letters of each of these webhooks.

    Raises:
        Forbidden: the actor is not an admin.

    """
    require_admin(actor, "inspect webhooks")
    found: dict[str, list[DeadLetter]] = {name: [] for name in names}
    rows = await database.rows(
        _READ_PAGES,
        names=list(names),
        row_limit=size + 1,
        before_time=after.failed_at,
        before_ticket=after.ticket,
        before_seq=after.seq,
    )
    for dead_letter in map(_dead_letter_of, rows):
        found[dead_letter.webhook].append(dead_letter)
    return {
        name: DeadLetterPage(tuple(each[:size]), len(each) > size) for name, each in found.items()
    }


def _dead_letter_of(row: Row) -> DeadLetter:
    return DeadLetter(
        webhook=row["webhook"],
        ticket=row["ticket"],
        seq=row["seq"],
        event=EVENT_TYPES[EntryKind(row["kind"])],
        attempts=row["attempts"],
        result=row["last_result"],
        failed_at=row["finished_at"],
    )


async def retry_webhook(database: Database, actor: Actor, name: str, *, dead: bool) -> int:
    """Retry as `retry_deliveries` does, for an admin.

    Raises:
        Forbidden: the actor is not an admin.
        NotFound: no webhook has this name.

    """
    require_admin(actor, "retry webhook deliveries")
    return await retry_deliveries(database, name, dead=dead)


async def retry_deliveries(database: Database, name: str, *, dead: bool) -> int:
    """Make failed deliveries due now, end a pause and a 410; return how many deliveries are due.

    It checks no permission: it is for the command line.

    Args:
        database: the database.
        name: of the webhook.
        dead: include dead letters, with a new series of attempts.

    Raises:
        NotFound: no webhook has this name.

    """
    async with database.transaction() as session:
        await require_webhook(session, name)
        await session.run(_ENABLE, webhook_name=name)
        statements = (_RETRY_PENDING, _RETRY_DEAD) if dead else (_RETRY_PENDING,)
        return sum([len(await session.rows(each, webhook_name=name)) for each in statements])
