"""Write tickets and history entries together.

Transitions by users are written by `transition`; those by `system` are written here.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from itertools import accumulate
from typing import Final

from sqlalchemy import (
    Boolean,
    Integer,
    Text,
    bindparam,
    case,
    func,
    insert,
    literal_column,
    null,
    select,
    update,
)

from engine.storage.history.changes import read_histories
from engine.storage.history.digest_sql import CANONICAL_ORDER
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import (
    TIMESTAMP,
    ticket_search,
    ticket_status_history,
    tickets,
)
from engine.storage.tickets.search_texts import write_texts
from engine.storage.tickets.sla_columns import sla_columns
from engine.tickets.auto_close import grace_period_start
from engine.tickets.history import GENESIS, Entry
from engine.tickets.search_texts import TICKET_TEXT_SEQ, SearchText, new_texts, ticket_text
from engine.tickets.sla_timers import SLA_COLUMNS, TIMER_KINDS
from engine.tickets.ticket import Ticket, apply_entry, initial_ticket
from engine.vocabulary import Status

CHANGED_COLUMNS: Final = (
    *("title", "description", "status", "priority", "assignee", "assignee_group"),
    *("updated_at", "version", "head_digest"),
)

_INSERTED: Final = (
    insert(tickets)
    .values({column.name: bindparam(column.name) for column in tickets.columns})
    .returning(tickets.c.id)
    .cte("inserted")
)
INSERT_TICKET: Final = Statement.of(
    insert(ticket_search).from_select(
        list(SearchText._fields),
        select(
            _INSERTED.c.id,
            literal_column(str(TICKET_TEXT_SEQ), Integer),
            literal_column("false", Boolean),
            bindparam("search_text", type_=Text),
        ),
    )
)
"""Inserts the ticket, and the text of it that searches read."""
INSERT_ENTRY: Final = Statement.of(
    insert(ticket_status_history).values(
        {name: bindparam(name) for name in (*CANONICAL_ORDER, "digest")}
    )
)
_SLA_VERSION: Final = case(
    (tickets.c.sla_version == tickets.c.version, bindparam("new_version")),
    else_=tickets.c.sla_version,
)
"""SLA columns that were up to date stay so; those that were stale stay stale."""
_AUTO_CLOSE_FROM: Final = case(
    (
        bindparam("new_status") == literal_column(f"'{Status.RESOLVED}'"),
        func.coalesce(bindparam("grace_period_start", type_=TIMESTAMP), tickets.c.auto_close_from),
    ),
    else_=null(),
)
_UPDATE: Final = (
    update(tickets)
    .where(tickets.c.id == bindparam("updated_ticket"))
    .values({column: bindparam(f"new_{column}") for column in CHANGED_COLUMNS})
    .values(auto_close_from=_AUTO_CLOSE_FROM)
)
UPDATE_TICKET: Final = Statement.of(_UPDATE.values(sla_version=_SLA_VERSION))
"""For entries that do not change the SLA timers."""
_UPDATE_TICKET_AND_TIMERS: Final = Statement.of(
    _UPDATE.values({column: bindparam(f"new_{column}") for column in SLA_COLUMNS})
)


@dataclass(frozen=True, slots=True)
class Append:
    """New entries of a ticket's history.

    Attributes:
        ticket: the locked ticket before the entries.
        head: the head digest before the entries.

    """

    ticket: Ticket
    head: bytes
    entries: Sequence[Entry]

    @property
    def after(self) -> Ticket:
        """The ticket after the entries."""
        return reduce(apply_entry, self.entries, self.ticket)

    @property
    def digests(self) -> list[bytes]:
        """The digests of the entries."""
        chain = accumulate(self.entries, lambda head, entry: entry.digest(head), initial=self.head)
        return list(chain)[1:]

    @property
    def changes_timers(self) -> bool:
        """Whether an entry changes the SLA timers."""
        return any(entry.kind in TIMER_KINDS for entry in self.entries)


async def insert_tickets(session: Session, entries: Sequence[Entry]) -> None:
    """Insert new tickets with their first entries. Their users must exist already."""
    heads = [entry.digest(GENESIS) for entry in entries]
    rows = [
        ticket._asdict()
        | sla_columns([entry])
        | {"head_digest": head, "auto_close_from": None, "search_text": ticket_text(ticket).text}
        for entry, head, ticket in zip(entries, heads, map(initial_ticket, entries), strict=True)
    ]
    await session.run_each(INSERT_TICKET, rows)
    await session.run_each(
        INSERT_ENTRY,
        [asdict(entry) | {"digest": head} for entry, head in zip(entries, heads, strict=True)],
    )


async def append_entries(
    session: Session, ticket: Ticket, head: bytes, entries: Sequence[Entry]
) -> Ticket:
    """Append entries to a locked ticket's history, and return the updated ticket.

    The users that the entries name must exist already.
    """
    if not entries:
        return ticket
    append = Append(ticket, head, entries)
    histories = await read_histories(session, [ticket.id]) if append.changes_timers else {}
    await append_to_histories(session, [append], histories)
    return append.after


async def append_to_histories(
    session: Session, appends: Sequence[Append], histories: Mapping[str, Sequence[Entry]]
) -> None:
    """Append entries to the histories of many tickets, and update the tickets.

    Args:
        session: a transaction that has locked the tickets.
        appends: the entries. The users that they name must exist already.
        histories: the entries so far, at least of the tickets whose SLA timers change.

    """
    timers = [
        _new_ticket(each) | new_values(sla_columns([*histories[each.ticket.id], *each.entries]))
        for each in appends
        if each.changes_timers
    ]
    others = [_new_ticket(each) for each in appends if not each.changes_timers]
    await session.run_each(_UPDATE_TICKET_AND_TIMERS, timers)
    await session.run_each(UPDATE_TICKET, others)
    await session.run_each(
        INSERT_ENTRY,
        [
            asdict(entry) | {"digest": digest}
            for each in appends
            for entry, digest in zip(each.entries, each.digests, strict=True)
        ],
    )
    texts = [text for each in appends for text in new_texts(each.after, each.entries)]
    if texts:
        await write_texts(session, texts)


def _new_ticket(append: Append) -> dict[str, object]:
    """Return the parameters of `UPDATE_TICKET`."""
    after = append.after
    row = after._asdict() | {"head_digest": append.digests[-1]}
    return new_values({column: row[column] for column in CHANGED_COLUMNS}) | {
        "updated_ticket": after.id,
        "grace_period_start": grace_period_start(append.entries, after.requester),
    }


def new_values(columns: dict[str, object]) -> dict[str, object]:
    """Return new values of columns as parameters."""
    return {f"new_{name}": value for name, value in columns.items()}
