"""Verify what is stored beside tickets: the words of the search, and the names of users."""

from collections.abc import AsyncIterator
from typing import Final

from sqlalchemy import func, literal_column, select

from engine.sealing.chain import name_digest
from engine.sealing.flaw import RecordFlaw
from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import user_names, users
from engine.storage.tickets.search_texts import WrongText, wrong_texts
from engine.tickets.search_texts import TICKET_TEXT_SEQ

_PREFETCHED_ROWS: Final = 2_000

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
    """Yield each text whose words in the search are not those of the ticket or the comment."""
    async for wrong in wrong_texts(session):
        yield RecordFlaw(wrong.ticket, _text_flaw(wrong))


def _text_flaw(wrong: WrongText) -> str:
    is_ticket = wrong.seq == TICKET_TEXT_SEQ
    if wrong.expected is None:
        missing = "ticket" if is_ticket else f"comment {wrong.seq}"
        return f"the search has words of it, but there is no such {missing}"
    source = "its title and description" if is_ticket else f"its comment {wrong.seq}"
    return f"the words of the search are not those of {source}"


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
