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
from engine.storage.postgres.database import Database
from engine.storage.postgres.fingerprints import fingerprint
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, webhook_deliveries, webhooks
from engine.storage.webhooks.fan_out import PENDING, in_state
from engine.storage.webhooks.status import read_names, require_webhook
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
_NAMED: Final = (
    func.unnest(bindparam("names", type_=ARRAY(Text)))
    .table_valued(column("name", Text))
    .render_derived(name="named")
)
_PAGE: Final = (
    select(webhook_deliveries, ticket_status_history.c.kind, ticket_status_history.c.digest)
    .join(
        ticket_status_history,
        (ticket_status_history.c.ticket == webhook_deliveries.c.ticket)
        & (ticket_status_history.c.seq == webhook_deliveries.c.seq),
    )
    .where(
        _IS_DEAD,
        webhook_deliveries.c.webhook == _NAMED.c.name,
        tuple_(*_KEY)
        < tuple_(
            bindparam("before_time", type_=DateTime(timezone=True)),
            bindparam("before_ticket", type_=Text),
            bindparam("before_seq", type_=Integer),
        ),
    )
    .order_by(*(each.desc() for each in _KEY))
    .limit(bindparam("row_limit", type_=Integer))
    .lateral("page")
)
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
        fingerprint: the beginning of the digest of the entry.
        result: the result of the last attempt.
        failed_at: when that was.

    """

    webhook: str
    ticket: str
    seq: int
    fingerprint: str
    event: TicketEvent
    attempts: int
    result: str
    failed_at: datetime

    @property
    def id(self) -> str:
        """The id of the message."""
        return event_id(self.ticket, self.seq, self.fingerprint)


@dataclass(frozen=True, slots=True)
class DeadLetterCursor:
    """A place in a list of dead letters: after the dead letter with these values."""

    failed_at: datetime
    ticket: str
    seq: int


START: Final = DeadLetterCursor(datetime.max.replace(tzinfo=UTC), "", 0)
"""Before the latest dead letter."""


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
    names = await read_names(database) if name is None else [name]
    return (await _read_pages(database, names, limit, START))[:limit]


async def read_dead_letters(
    database: Database, actor: Actor, names: Sequence[str], limit: int, after: DeadLetterCursor
) -> Mapping[str, Sequence[DeadLetter]]:
    """Return the next dead letters of each of these webhooks, at most `limit` of each.

    Raises:
        Forbidden: the actor is not an admin.

    """
    require_admin(actor, "inspect webhooks")
    found: dict[str, list[DeadLetter]] = {name: [] for name in names}
    for each in await _read_pages(database, names, limit, after):
        found[each.webhook].append(each)
    return found


async def _read_pages(
    database: Database, names: Sequence[str], limit: int, after: DeadLetterCursor
) -> list[DeadLetter]:
    """Return at most `limit` dead letters of each webhook, in one list, latest first."""
    rows = await database.rows(
        _READ_PAGES,
        names=list(names),
        row_limit=limit,
        before_time=after.failed_at,
        before_ticket=after.ticket,
        before_seq=after.seq,
    )
    return [
        DeadLetter(
            webhook=row["webhook"],
            ticket=row["ticket"],
            seq=row["seq"],
            fingerprint=fingerprint(row["digest"]),
            event=EVENT_TYPES[EntryKind(row["kind"])],
            attempts=row["attempts"],
            result=row["last_result"],
            failed_at=row["finished_at"],
        )
        for row in rows
    ]


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
