"""Store the texts that a search reads, and compare them with tickets and comments."""

from collections.abc import AsyncGenerator, Collection, Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    Integer,
    Text,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert

from engine.storage.postgres.database import Row, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_search, ticket_status_history, tickets
from engine.tickets.history import EntryKind
from engine.tickets.search_texts import TEXT_KINDS, TICKET_TEXT_SEQ, SearchText, stored_words

_PREFETCHED_ROWS: Final = 2_000
_BATCH_ROWS: Final = 500

_INSERT: Final = insert(ticket_search).values(
    {name: bindparam(name) for name in SearchText._fields}
)
_WRITE: Final = Statement.of(
    _INSERT.on_conflict_do_update(
        index_elements=["ticket", "seq"],
        set_={name: _INSERT.excluded[name] for name in ("internal", "text")},
    )
)
_DELETE: Final = Statement.of(
    delete(ticket_search).where(
        ticket_search.c.ticket == bindparam("ticket"), ticket_search.c.seq == bindparam("seq")
    )
)
_IDS: Final = bindparam("ids", type_=ARRAY(Text))
_HISTORY: Final = ticket_status_history.c


def _comparison(*, of_some: bool) -> Statement:
    """Return each text with the row of `ticket_search`; one of both can be missing."""
    ticket_texts = select(
        tickets.c.id.label("ticket"),
        literal_column(str(TICKET_TEXT_SEQ), Integer).label("seq"),
        literal_column("false", Boolean).label("internal"),
        (tickets.c.title + literal_column("E'\\n'", Text) + tickets.c.description).label("content"),
    )
    comments = select(
        _HISTORY.ticket,
        _HISTORY.seq,
        _HISTORY.kind == literal_column(f"'{EntryKind.NOTE}'", Text),
        _HISTORY.new_value,
    ).where(_HISTORY.kind.in_([literal_column(f"'{each}'", Text) for each in sorted(TEXT_KINDS)]))
    stored = select(*(ticket_search.c[name] for name in SearchText._fields))
    if of_some:
        ticket_texts = ticket_texts.where(tickets.c.id == func.any(_IDS))
        comments = comments.where(_HISTORY.ticket == func.any(_IDS))
        stored = stored.where(ticket_search.c.ticket == func.any(_IDS))
    expected, found = union_all(ticket_texts, comments).subquery(), stored.subquery()
    is_same = (expected.c.ticket == found.c.ticket) & (expected.c.seq == found.c.seq)
    return Statement.of(
        select(
            func.coalesce(expected.c.ticket, found.c.ticket).label("ticket"),
            func.coalesce(expected.c.seq, found.c.seq).label("seq"),
            expected.c.internal,
            expected.c.content,
            found.c.internal.label("stored_internal"),
            found.c.text.label("stored_text"),
        )
        .select_from(expected.join(found, is_same, full=True))
        .order_by(literal_column("1"), literal_column("2"))
    )


_COMPARE_ALL: Final = _comparison(of_some=False)
_COMPARE_SOME: Final = _comparison(of_some=True)


@dataclass(frozen=True, slots=True)
class WrongText:
    """A stored text that is not what follows from the ticket and its comments.

    Attributes:
        expected: what should be stored; None if there is no such text.

    """

    ticket: str
    seq: int
    expected: SearchText | None


async def write_texts(session: Session, texts: Collection[SearchText]) -> None:
    """Store texts; they replace those with the same numbers."""
    await session.run_each(_WRITE, [each._asdict() for each in texts])


async def wrong_texts(
    session: Session, ids: Sequence[str] | None = None
) -> AsyncGenerator[WrongText, None]:
    """Yield the wrong texts of all tickets, or of those with the ids, in their order."""
    if ids is None:
        rows = session.stream(_COMPARE_ALL, _PREFETCHED_ROWS)
    else:
        rows = session.stream(_COMPARE_SOME, _PREFETCHED_ROWS, ids=list(ids))
    async for row in rows:
        expected = _expected(row)
        stored = (row["stored_internal"], row["stored_text"])
        if stored != ((expected.internal, expected.text) if expected else (None, None)):
            yield WrongText(row["ticket"], row["seq"], expected)


def _expected(row: Row) -> SearchText | None:
    if row["internal"] is None:
        return None
    text = stored_words(row["content"] or "")
    return SearchText(row["ticket"], row["seq"], row["internal"], text)


async def repair_texts(session: Session, ids: Sequence[str] | None = None) -> None:
    """Store the texts of all tickets, or of those with the ids, that are missing or wrong."""
    batch: list[WrongText] = []
    async for wrong in wrong_texts(session, ids):
        batch.append(wrong)
        if len(batch) == _BATCH_ROWS:
            await _repair(session, batch)
            batch = []
    await _repair(session, batch)


async def _repair(session: Session, batch: Sequence[WrongText]) -> None:
    await write_texts(session, [each.expected for each in batch if each.expected is not None])
    surplus = [each for each in batch if each.expected is None]
    await session.run_each(_DELETE, [{"ticket": each.ticket, "seq": each.seq} for each in surplus])
