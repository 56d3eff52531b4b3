"""Verify what is stored beside tickets: the words of the search, and the names of users."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import func, literal_column, select

from engine.sealing.chain import name_digest
from engine.sealing.flaw import RecordFlaw
from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_search, tickets, user_names, users
from engine.storage.tickets.search_words import ARE_WORDS_CURRENT

_PREFETCHED_ROWS: Final = 2_000

_SEARCH: Final = Statement.of(
    select(tickets.c.id, ARE_WORDS_CURRENT.label("is_current"))
    .select_from(tickets.outerjoin(ticket_search))
    .order_by(tickets.c.id)
)
_WORDS_WITHOUT_TICKET: Final = Statement.of(
    select(ticket_search.c.ticket)
    .select_from(ticket_search.outerjoin(tickets))
    .where(tickets.c.id.is_(None))
    .order_by(ticket_search.c.ticket)
)
_LATEST_NAME: Final = user_names.alias("latest_name")
_RECORDED: Final = (
    select(
        user_names.c.user_id,
        func.count().label("names"),
        func.max(user_names.c.seq).label("last"),
    )
    .group_by(user_names.c.user_id)
    .subquery("recorded")
)
_USERS: Final = Statement.of(
    select(
        func.coalesce(users.c.id, _RECORDED.c.user_id).label("id"),
        users.c.name,
        users.c.name_seq,
        func.coalesce(_RECORDED.c.names, literal_column("0")).label("names"),
        func.coalesce(_RECORDED.c.last, literal_column("0")).label("last"),
        _LATEST_NAME.c.digest,
    )
    .select_from(users)
    .join(_RECORDED, _RECORDED.c.user_id == users.c.id, full=True)
    .outerjoin(
        _LATEST_NAME,
        (_LATEST_NAME.c.user_id == _RECORDED.c.user_id) & (_LATEST_NAME.c.seq == _RECORDED.c.last),
    )
    .order_by(literal_column("1"))
)


async def audit_search(session: Session) -> AsyncIterator[RecordFlaw]:
    """Yield each ticket whose words in the search are not those of its title and description."""
    async for row in session.stream(_SEARCH, _PREFETCHED_ROWS):
        if not row["is_current"]:
            message = "the words of the search are not those of its title and description"
            yield RecordFlaw(row["id"], message)
    async for row in session.stream(_WORDS_WITHOUT_TICKET, _PREFETCHED_ROWS):
        yield RecordFlaw(row["ticket"], "the search has words of it, but there is no such ticket")


async def audit_names(session: Session) -> AsyncIterator[RecordFlaw]:
    """Yield each user whose name is not the one that was recorded last."""
    async for row in session.stream(_USERS, _PREFETCHED_ROWS):
        if message := _name_flaw(row):
            yield RecordFlaw(f"user {row['id']}", message)


def _name_flaw(row: Row) -> str | None:
    if row["name_seq"] is None:
        return f"{row['names']} names were recorded, but there is no such user"
    if not row["names"] == row["last"] == row["name_seq"]:
        return f"the name has number {row['name_seq']}, but {row['names']} names were recorded"
    is_named = row["name"] is not None
    if is_named != (row["name_seq"] > 0) or (
        is_named and row["digest"] != name_digest(row["id"], row["name_seq"], row["name"])
    ):
        return f"the name {row['name']!r} is not the one that was recorded"
    return None
