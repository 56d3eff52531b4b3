"""The conditions of a search for a text in SQL: on the texts of a ticket that the viewer can read.

The index of words finds texts that have all words of a term, in any order; LIKE checks their order
in the texts that were found. The positions of words in PostgreSQL's own index
would not do: it keeps 255 of each word, and none above 16,383.
"""

from collections.abc import Iterable, Sequence
from typing import Final

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Text,
    and_,
    bindparam,
    case,
    cast,
    exists,
    func,
    literal_column,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import TSQUERY

from engine.storage.postgres.tables import ticket_search, tickets
from engine.tickets.text_search import Term, parse_text_search

_PREFIX: Final = "text_"
_FOUND: Final = f"{_PREFIX}found"
_EXCLUDED: Final = f"{_PREFIX}excluded"
_FROM_ID: Final = f"{_PREFIX}from_ticket_id"
_BELOW_ID: Final = f"{_PREFIX}below_ticket_id"

_ONE: Final = literal_column("1", Integer)
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


def is_text_condition(name: str) -> bool:
    """Return whether a condition is one of `conditions_of_text`."""
    return name.startswith(_PREFIX)


def conditions_of_text(text: str) -> dict[str, object]:
    """Return the conditions of a search for a text, each with the value of its parameter.

    Their number depends on the search: only the order of several words must be checked.
    """
    search = parse_text_search(text)
    conditions: dict[str, object] = {
        **_conditions_on(_FOUND, search.alternatives),
        **_conditions_on(_EXCLUDED, tuple((term,) for term in search.excluded)),
    }
    if search.ticket_id is not None:
        conditions[_FROM_ID] = search.ticket_id
        conditions[_BELOW_ID] = f"{search.ticket_id}g"  # after the last hexadecimal digit
    return conditions


def text_clauses(names: Iterable[str], *, reads_notes: bool) -> list[ColumnElement[bool]]:
    """Return the clauses on `tickets` of the text conditions among these.

    Args:
        names: the names of conditions.
        reads_notes: whether the viewer can read all internal notes.

    """
    used = sorted(filter(is_text_condition, names))
    readable = () if reads_notes else (_IS_READABLE,)
    clauses: list[ColumnElement[bool]] = []
    if _FOUND in used:
        found = select(_TEXT.ticket).where(_is_found(used), *readable)
        clauses.append(tickets.c.id.in_(found))
    if _EXCLUDED in used:
        has_excluded = exists().where(
            _TEXT.ticket == tickets.c.id, _has(_EXCLUDED, used), *readable
        )
        clauses.append(~has_excluded)
    return clauses


def _is_found(used: Sequence[str]) -> ColumnElement[bool]:
    has_words = _has(_FOUND, used)
    if _FROM_ID not in used:
        return has_words
    is_ticket = and_(
        _TEXT.ticket >= bindparam(_FROM_ID, type_=Text),
        _TEXT.ticket < bindparam(_BELOW_ID, type_=Text),
    )
    return or_(has_words, is_ticket)


def _has(name: str, used: Sequence[str]) -> ColumnElement[bool]:
    query = cast(bindparam(name, type_=Text), TSQUERY)
    has_words: ColumnElement[bool] = _TEXT.words.bool_op("@@")(query)
    orders = [
        _TEXT.text.bool_op("LIKE")(func.all(bindparam(each, type_=ARRAY(Text))))
        for each in used
        if each.startswith(f"{name}_")
    ]
    if not orders:
        return has_words
    # PostgreSQL expects LIKE to find next to nothing, and then reads every text that has the words,
    # however many there are. Of an expression that equals a constant it expects 0.5 %, so if the
    # words are common, it begins with the first tickets of the list.
    return and_(has_words, case((or_(*orders), _ONE)) == _ONE)


def _conditions_on(name: str, alternatives: Sequence[tuple[Term, ...]]) -> dict[str, object]:
    """Return the condition that a text has the words, and those on their order."""
    if not alternatives:
        return {}
    words = [" & ".join(map(_words_of_term, terms)) for terms in alternatives]
    conditions: dict[str, object] = {name: " | ".join(f"({each})" for each in words)}
    if any(_has_order(term) for terms in alternatives for term in terms):
        is_only = len(alternatives) == 1
        for number, terms in enumerate(alternatives):
            checked = [each for each in terms if _has_order(each) or not is_only]
            conditions[f"{name}_{number}"] = [_pattern_of_term(each) for each in checked]
    return conditions


def _has_order(term: Term) -> bool:
    return len(term.words) > 1


def _words_of_term(term: Term) -> str:
    """Return a term as a tsquery. Words have no characters that it would interpret."""
    *before, last = (f"'{word}'" for word in term.words)
    return " & ".join([*before, last if term.is_exact else f"{last}:*"])


def _pattern_of_term(term: Term) -> str:
    """Return a term as a pattern for LIKE."""
    return f"% {' '.join(term.words)}{' ' if term.is_exact else ''}%"
