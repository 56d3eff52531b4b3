"""Webhooks as admins look after them; the command line, which has the database, asks nobody."""

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
)

from engine.permissions import require_admin
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import webhook_deliveries
from engine.storage.webhooks.dead_letters import (
    LETTERS,
    DeadLetter,
    letter_of,
    require_webhook,
    retry_deliveries,
)
from engine.storage.webhooks.status import WebhookReport, webhook_reports
from engine.tickets.actor import Actor

NAMED: Final = (
    func.unnest(bindparam("names", type_=ARRAY(Text)))
    .table_valued(column("name", Text))
    .render_derived(name="named")
)
OF_ONE: Final = LETTERS.where(
    webhook_deliveries.c.webhook == NAMED.c.name,
    tuple_(webhook_deliveries.c.finished_at, webhook_deliveries.c.ticket, webhook_deliveries.c.seq)
    < tuple_(
        bindparam("before_at", type_=DateTime(timezone=True)),
        bindparam("before_ticket", type_=Text),
        bindparam("before_seq", type_=Integer),
    ),
).lateral("of_one")
PAGES: Final = Statement.of(
    select(OF_ONE)
    .select_from(NAMED)
    .join(OF_ONE, true())
    .order_by(OF_ONE.c.finished_at.desc(), OF_ONE.c.ticket.desc(), OF_ONE.c.seq.desc())
)
"""A page of each webhook, in one statement."""


@dataclass(frozen=True, slots=True)
class LetterPlace:
    """A place in the lists of what was given up: after what was given up then, of that entry."""

    at: datetime
    ticket: str
    seq: int

    @classmethod
    def of(cls, letter: DeadLetter) -> "LetterPlace":
        """Return the place of a letter."""
        return cls(letter.at, letter.ticket, letter.seq)


TOP: Final = LetterPlace(datetime.max.replace(tzinfo=UTC), "", 0)
"""Before the latest."""


@dataclass(frozen=True, slots=True)
class LetterPage:
    """Some of what was given up, latest first; `has_more` that was given up earlier."""

    letters: tuple[DeadLetter, ...]
    has_more: bool


async def overseen_webhooks(database: Database, actor: Actor) -> list[WebhookReport]:
    """Return how each webhook is doing, retired ones included, by name.

    Raises:
        Forbidden: the actor is not an admin.

    """
    require_admin(actor, "inspect webhooks")
    return await webhook_reports(database)


async def overseen_webhook(database: Database, actor: Actor, name: str) -> WebhookReport:
    """Return how a webhook is doing.

    Raises:
        Forbidden: the actor is not an admin.
        NotFound: there is no webhook of that name.

    """
    require_admin(actor, "inspect webhooks")
    await require_webhook(database, name)
    [report] = await webhook_reports(database, name)
    return report


async def letter_pages(
    database: Database, actor: Actor, names: Sequence[str], size: int, after: LetterPlace = TOP
) -> Mapping[str, LetterPage]:
    """Return what was given up of each of these webhooks: so much, after that place.

    Raises:
        Forbidden: the actor is not an admin.

    """
    require_admin(actor, "inspect webhooks")
    found: dict[str, list[DeadLetter]] = {name: [] for name in names}
    rows = await database.rows(
        PAGES,
        names=list(names),
        most=size + 1,
        before_at=after.at,
        before_ticket=after.ticket,
        before_seq=after.seq,
    )
    for letter in map(letter_of, rows):
        found[letter.webhook].append(letter)
    return {
        name: LetterPage(tuple(letters[:size]), len(letters) > size)
        for name, letters in found.items()
    }


async def retry_webhook(database: Database, actor: Actor, name: str, *, dead: bool) -> int:
    """Have what failed attempted again now: see `retry_deliveries`.

    Raises:
        Forbidden: the actor is not an admin.
        NotFound: there is no webhook of that name.

    """
    require_admin(actor, "retry deliveries")
    return await retry_deliveries(database, name, dead=dead)
