"""The conditions of a search for a text in SQL: on the texts of a ticket that the viewer can read.

The index of words finds texts that have all words of a term, in any order; a regular expression
checks their order in the texts that were found. The positions of words in PostgreSQL's own index
would not do: it keeps 255 of each word, and none above 16,383.
"""

from collections.abc import Iterable
from typing import Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Text,
    and_,
    bindparam,
    cast,
    exists,
    func,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from engine.storage.postgres.tables import ticket_search, tickets
from engine.tickets.text_search import Term, parse_text_search

_WORDS: Final = "text_words"
_ORDER: Final = "text_order"
_EXCLUDED_WORDS: Final = "excluded_words"
_EXCLUDED_ORDER: Final = "excluded_order"
_FROM_ID: Final = "from_ticket_id"
_BELOW_ID: Final = "below_ticket_id"
TEXT_CONDITIONS: Final = frozenset(
    {_WORDS, _ORDER, _EXCLUDED_WORDS, _EXCLUDED_ORDER, _FROM_ID, _BELOW_ID}
)
"""The names of the conditions; the parameter of each has the same name."""

_TEXT: Final = ticket_search.c
_TICKET: Final = tickets.alias("ticket_of_note")
_CAN_READ_NOTES: Final = (
    select(
        or_(
            _TICKET.c.assignee == bindparam("viewer", type_=Text),
            _TICKET.c.assignee_group == func.any(bindparam("viewer_groups", type_=ARRAY(Text))),
        )
    )
    .where(_TICKET.c.id == _TEXT.ticket)
    .scalar_subquery()
)
"""The same condition as in `permissions.can_read_notes`, for viewers who are not admins.

It refers to the text alone, and not to the ticket of the list. So PostgreSQL can begin with the
texts that were found. It is evaluated only for notes.
"""
_IS_READABLE: Final = or_(~_TEXT.internal, _CAN_READ_NOTES)


def conditions_of_text(text: str) -> dict[str, object]:
    """Return the conditions of a search for a text, each with the value of its parameter."""
    search = parse_text_search(text)
    excluded = tuple((term,) for term in search.excluded)
    values = {
        _WORDS: _words_query(search.alternatives),
        _ORDER: _order_pattern(search.alternatives),
        _EXCLUDED_WORDS: _words_query(excluded),
        _EXCLUDED_ORDER: _order_pattern(excluded),
        _FROM_ID: search.ticket_id,
        _BELOW_ID: search.ticket_id and f"{search.ticket_id}g",  # after the last hex digit
    }
    return {name: value for name, value in values.items() if value is not None}


def text_clauses(names: Iterable[str], *, reads_notes: bool) -> list[ColumnElement[bool]]:
    """Return the conditions with these names, on `tickets`.

    Args:
        names: some of `TEXT_CONDITIONS`; others are ignored.
        reads_notes: whether the viewer can read all internal notes.

    """
    used = TEXT_CONDITIONS.intersection(names)
    readable = () if reads_notes else (_IS_READABLE,)
    clauses: list[ColumnElement[bool]] = []
    if _WORDS in used:
        found = select(_TEXT.ticket).where(_found_text(used), *readable)
        clauses.append(tickets.c.id.in_(found))
    if _EXCLUDED_WORDS in used:
        has_excluded = exists().where(
            _TEXT.ticket == tickets.c.id,
            _has(_EXCLUDED_WORDS, _EXCLUDED_ORDER, used),
            *readable,
        )
        clauses.append(~has_excluded)
    return clauses


def _found_text(used: frozenset[str]) -> ColumnElement[bool]:
    has_words = _has(_WORDS, _ORDER, used)
    if _FROM_ID not in used:
        return has_words
    is_ticket = and_(
        _TEXT.ticket >= bindparam(_FROM_ID, type_=Text),
        _TEXT.ticket < bindparam(_BELOW_ID, type_=Text),
    )
    return or_(has_words, is_ticket)


def _has(words: str, order: str, used: frozenset[str]) -> ColumnElement[bool]:
    query = cast(bindparam(words, type_=Text), TSQUERY)
    has_words: ColumnElement[bool] = _TEXT.words.bool_op("@@")(query)
    if order not in used:
        return has_words
    return and_(has_words, _TEXT.text.regexp_match(bindparam(order, type_=Text)))


def _words_query(alternatives: Iterable[tuple[Term, ...]]) -> str | None:
    """Return the alternatives as a tsquery. Words have no characters that it would interpret."""
    queries = [" & ".join(map(_words_of_term, terms)) for terms in alternatives]
    return " | ".join(f"({each})" for each in queries) or None


def _words_of_term(term: Term) -> str:
    *before, last = term.words
    words = [f"'{each}'" for each in before]
    return " & ".join([*words, f"'{last}'" if term.is_exact else f"'{last}':*"])


def _order_pattern(alternatives: tuple[tuple[Term, ...], ...]) -> str | None:
    """Return a regular expression for the order of words; None if no term has several words."""
    if all(len(term.words) == 1 for terms in alternatives for term in terms):
        return None
    return "|".join(f"^{''.join(map(_pattern_of_term, terms))}" for terms in alternatives)


def _pattern_of_term(term: Term) -> str:
    end = " " if term.is_exact else ""
    return f"(?=.* {' '.join(term.words)}{end})"
