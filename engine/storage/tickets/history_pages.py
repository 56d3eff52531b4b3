"""Pages of the histories of several tickets, read with one statement.

New entries are appended to the end of a history, so pages never change.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sqlalchemy import (
    ARRAY,
    Boolean,
    Integer,
    Text,
    bindparam,
    column,
    func,
    or_,
    select,
    true,
)

from engine.storage.postgres.database import Database
from engine.storage.postgres.rows import entry_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history
from engine.tickets.history import Entry, EntryKind
from engine.tickets.ticket import Ticket

SEQ_MAX: Final = 2**31 - 1
"""The largest value of the column."""
EXCERPT_CHARACTERS: Final = 1_000


@dataclass(frozen=True, slots=True)
class HistoryPageRequest:
    """Which entries of a history to return.

    Attributes:
        size: the maximum number of entries.
        after, before: only entries with a `seq` between these, both excluded.
        from_end: return the last of these entries instead of the first.
        kinds: only entries of these kinds.
        whole_texts: whether to read whole descriptions and comments, not only their first
            `EXCERPT_CHARACTERS`.

    """

    size: int
    after: int = 0
    before: int = SEQ_MAX
    from_end: bool = False
    kinds: frozenset[EntryKind] = frozenset(EntryKind)
    whole_texts: bool = True


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A page, oldest entry first; `has_more` entries follow in the direction of reading."""

    entries: tuple[Entry, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class HistoryPages:
    """A page of the history of each ticket, by ticket id; `actors` made the entries."""

    pages: Mapping[str, HistoryPage]
    actors: frozenset[str]


_REQUESTED: Final = (
    func.unnest(
        bindparam("tickets", type_=ARRAY(Text)),
        bindparam("versions", type_=ARRAY(Integer)),
        bindparam("notes", type_=ARRAY(Boolean)),
    )
    .table_valued(column("ticket", Text), column("version", Integer), column("notes", Boolean))
    .render_derived(name="requested")
)


def _page_statement(*, from_end: bool, whole_texts: bool) -> Statement:
    history, requested = ticket_status_history.c, _REQUESTED.c
    cut = () if whole_texts else (history.old_value, history.new_value)
    columns = (
        func.left(each, EXCERPT_CHARACTERS).label(each.name) if each in cut else each
        for each in (history.values())
    )
    page = (
        select(*columns)
        .where(
            history.ticket == requested.ticket,
            history.seq <= requested.version,
            history.seq > bindparam("after", type_=Integer),
            history.seq < bindparam("before", type_=Integer),
            history.kind == func.any(bindparam("kinds", type_=ARRAY(Text))),
            or_(requested.notes, history.kind != str(EntryKind.NOTE)),
        )
        .order_by(history.seq.desc() if from_end else history.seq)
        .limit(bindparam("most", type_=Integer))
        .lateral("page")
    )
    joined = select(page).select_from(_REQUESTED).join(page, true())
    return Statement.of(joined.order_by(page.c.ticket, page.c.seq))


PAGES: Final = {
    (from_end, whole_texts): _page_statement(from_end=from_end, whole_texts=whole_texts)
    for from_end in (False, True)
    for whole_texts in (False, True)
}


async def read_history_pages(
    database: Database,
    tickets: Iterable[Ticket],
    request: HistoryPageRequest,
    with_notes: frozenset[str],
) -> HistoryPages:
    """Return a page of the history of each ticket, up to the version of the given ticket.

    Internal notes are included only for the tickets whose ids are in `with_notes`.
    """
    versions = {ticket.id: ticket.version for ticket in tickets}
    rows = await database.rows(
        PAGES[request.from_end, request.whole_texts],
        tickets=list(versions),
        versions=list(versions.values()),
        notes=[ticket in with_notes for ticket in versions],
        after=request.after,
        before=request.before,
        kinds=sorted(request.kinds),
        most=request.size + 1,
    )
    found: dict[str, list[Entry]] = {ticket: [] for ticket in versions}
    for entry in map(entry_of, rows):
        found[entry.ticket].append(entry)
    pages = {ticket: _page(entries, request) for ticket, entries in found.items()}
    actors = frozenset(entry.actor for page in pages.values() for entry in page.entries)
    return HistoryPages(pages, actors)


def _page(entries: list[Entry], request: HistoryPageRequest) -> HistoryPage:
    """Return the page; the statement reads one entry more than the page has."""
    shown = entries[-request.size :] if request.from_end else entries[: request.size]
    return HistoryPage(tuple(shown), len(entries) > request.size)
