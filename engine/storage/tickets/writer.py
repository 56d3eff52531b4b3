"""The one place that appends to histories and takes the tickets along; transitions aside."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import reduce
from itertools import accumulate
from typing import Final

from sqlalchemy import bindparam, case, func, insert, literal_column, null, update

from engine.storage.history.changes import read_histories
from engine.storage.history.digest_sql import CANONICAL_ORDER
from engine.storage.postgres.database import Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import TIMESTAMP, ticket_status_history, tickets
from engine.storage.tickets.sla_columns import SLA_COLUMNS, sla_columns
from engine.storage.tickets.users import ensure_users
from engine.tickets.auto_close import grace_period_start
from engine.tickets.history import GENESIS, Entry
from engine.tickets.sla_timers import TIMER_KINDS
from engine.tickets.ticket import Ticket, apply_entry, initial_ticket
from engine.vocabulary import Status

CHANGING_COLUMNS: Final = (
    *("title", "description", "status", "priority", "assignee"),
    *("updated_at", "version", "head_digest"),
)

INSERT_TICKET: Final = Statement.of(insert(tickets))
INSERT_ENTRY: Final = Statement.of(
    insert(ticket_status_history).values(
        {name: bindparam(name) for name in (*CANONICAL_ORDER, "digest")}
    )
)
STILL_FRESH: Final = case(
    (tickets.c.sla_version == tickets.c.version, bindparam("new_version")),
    else_=tickets.c.sla_version,
)
QUIET_SINCE: Final = case(
    (
        bindparam("new_status") == literal_column(f"'{Status.RESOLVED}'"),
        func.coalesce(bindparam("restarted_at", type_=TIMESTAMP), tickets.c.auto_close_from),
    ),
    else_=null(),
)
CHANGED: Final = (
    update(tickets)
    .where(tickets.c.id == bindparam("changed"))
    .values({column: bindparam(f"new_{column}") for column in CHANGING_COLUMNS})
    .values(auto_close_from=QUIET_SINCE)
)
UPDATE_TICKET: Final = Statement.of(CHANGED.values(sla_version=STILL_FRESH))
"""For entries that tell nothing of the timers: due times that were fresh stay fresh."""
UPDATE_TICKET_AND_TIMERS: Final = Statement.of(
    CHANGED.values({column: bindparam(f"new_{column}") for column in SLA_COLUMNS})
)


@dataclass(frozen=True, slots=True)
class Append:
    """Entries that come next in a ticket's history.

    Attributes:
        ticket: as it was before, locked.
        head: the digest of its latest entry before.

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
        digested = accumulate(
            self.entries, lambda head, entry: entry.digest(head), initial=self.head
        )
        return list(digested)[1:]

    @property
    def tells(self) -> bool:
        """Whether the timers are others after it."""
        return any(entry.kind in TIMER_KINDS for entry in self.entries)


async def insert_tickets(session: Session, entries: Sequence[Entry]) -> None:
    """Write new tickets, of people who are known, and the first entries of their histories."""
    heads = [entry.digest(GENESIS) for entry in entries]
    opening = [
        initial_ticket(entry)._asdict()
        | sla_columns([entry])
        | {"head_digest": head, "auto_close_from": None}
        for entry, head in zip(entries, heads, strict=True)
    ]
    await session.run_each(INSERT_TICKET, opening)
    await session.run_each(
        INSERT_ENTRY,
        [asdict(entry) | {"digest": head} for entry, head in zip(entries, heads, strict=True)],
    )


async def append_entries(
    session: Session, ticket: Ticket, head: bytes, entries: Sequence[Entry]
) -> Ticket:
    """Append entries to a ticket's history and take the ticket along."""
    if not entries:
        return ticket
    addition = Append(ticket, head, entries)
    after = addition.after
    if after.assignee != ticket.assignee:
        await ensure_users(session, after.assignee)
    before = await read_histories(session, [ticket.id]) if addition.tells else {}
    await append_to_histories(session, [addition], before)
    return after


async def append_to_histories(
    session: Session, additions: Sequence[Append], before: Mapping[str, Sequence[Entry]]
) -> None:
    """Append entries to the histories of many tickets and take the tickets along.

    Args:
        session: a transaction that has the tickets locked.
        additions: the entries; whoever is newly mentioned in them is known already.
        before: the histories so far, at least of the tickets whose timers change.

    """
    timers = [
        values_of(each) | new_values(sla_columns([*before[each.ticket.id], *each.entries]))
        for each in additions
        if each.tells
    ]
    await session.run_each(UPDATE_TICKET_AND_TIMERS, timers)
    await session.run_each(UPDATE_TICKET, [values_of(each) for each in additions if not each.tells])
    await session.run_each(
        INSERT_ENTRY,
        [
            asdict(entry) | {"digest": digest}
            for each in additions
            for entry, digest in zip(each.entries, each.digests, strict=True)
        ],
    )


def values_of(addition: Append) -> dict[str, object]:
    """Return the parameters of the statement that takes a ticket along."""
    after = addition.after
    new = after._asdict() | {"head_digest": addition.digests[-1]}
    return new_values({column: new[column] for column in CHANGING_COLUMNS}) | {
        "changed": after.id,
        "restarted_at": grace_period_start(addition.entries, after.requester),
    }


def new_values(columns: dict[str, object]) -> dict[str, object]:
    """Return new values of columns as parameters."""
    return {f"new_{name}": value for name, value in columns.items()}
