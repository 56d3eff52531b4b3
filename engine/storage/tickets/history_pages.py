"""Pages of the histories of tickets that were read together: all of them in one statement.

Entries only come to the end of a history, so a page stays what it is.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain
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

LAST_SEQ: Final = 2**31 - 1
"""What the column can hold."""


@dataclass(frozen=True, slots=True)
class HistoryPart:
    """A part of a history, whose entries are in the order of their numbers.

    Attributes:
        size: how many entries at the most.
        after, before: numbers that those of the entries lie between.
        from_end: take the last of what lies between, not the first.
        kinds: of these alone.

    """

    size: int
    after: int = 0
    before: int = LAST_SEQ
    from_end: bool = False
    kinds: frozenset[EntryKind] = frozenset(EntryKind)


@dataclass(frozen=True, slots=True)
class HistoryPage:
    """A part of a history, oldest entry first; `has_more` beyond its far end."""

    entries: tuple[Entry, ...]
    has_more: bool


@dataclass(frozen=True, slots=True)
class HistoryPages:
    """A page of the history of each of several tickets, by ticket; `actors` made the entries."""

    pages: Mapping[str, HistoryPage]
    actors: frozenset[str]


def page_statement(*, from_end: bool) -> Statement:
    """Return the statement for a page of each history, read from one of its ends."""
    history, wanted = ticket_status_history.c, WANTED.c
    seq = history.seq.desc() if from_end else history.seq
    page = (
        select(ticket_status_history)
        .where(
            history.ticket == wanted.ticket,
            history.seq <= wanted.version,
            history.seq > bindparam("after", type_=Integer),
            history.seq < bindparam("before", type_=Integer),
            history.kind == func.any(bindparam("kinds", type_=ARRAY(Text))),
            or_(wanted.notes, history.kind != str(EntryKind.NOTE)),
        )
        .order_by(seq)
        .limit(bindparam("most", type_=Integer))
        .lateral("page")
    )
    return Statement.of(
        select(page).select_from(WANTED).join(page, true()).order_by(page.c.ticket, page.c.seq)
    )


WANTED: Final = (
    func.unnest(
        bindparam("tickets", type_=ARRAY(Text)),
        bindparam("versions", type_=ARRAY(Integer)),
        bindparam("notes", type_=ARRAY(Boolean)),
    )
    .table_valued(column("ticket", Text), column("version", Integer), column("notes", Boolean))
    .render_derived(name="wanted")
)
PAGES: Final = {from_end: page_statement(from_end=from_end) for from_end in (False, True)}


async def read_history_pages(
    database: Database, tickets: Iterable[Ticket], part: HistoryPart, with_notes: frozenset[str]
) -> HistoryPages:
    """Return a page of each ticket's history, as far as the version that was read.

    The notes are shown of those tickets whose ids are in `with_notes`.
    """
    versions = {ticket.id: ticket.version for ticket in tickets}
    rows = await database.rows(
        PAGES[part.from_end],
        tickets=list(versions),
        versions=list(versions.values()),
        notes=[ticket in with_notes for ticket in versions],
        after=part.after,
        before=part.before,
        kinds=sorted(part.kinds),
        most=part.size + 1,
    )
    found: dict[str, list[Entry]] = {ticket: [] for ticket in versions}
    for entry in map(entry_of, rows):
        found[entry.ticket].append(entry)
    pages = {ticket: page_of(entries, part) for ticket, entries in found.items()}
    shown = chain.from_iterable(page.entries for page in pages.values())
    return HistoryPages(pages, frozenset(entry.actor for entry in shown))


def page_of(entries: list[Entry], part: HistoryPart) -> HistoryPage:
    """Return a page of what was read: one entry more than it holds, if there is more."""
    shown = entries[-part.size :] if part.from_end else entries[: part.size]
    return HistoryPage(tuple(shown), len(entries) > part.size)
