"""The words by which a search finds a ticket, as a trigger stores them."""

from typing import Final

from sqlalchemy import ColumnElement, Text, func, literal_column

from engine.storage.postgres.tables import ticket_search, tickets

_TEXT: Final = tickets.c.title + literal_column("' '", Text) + tickets.c.description
WORDS: Final = func.to_tsvector(literal_column("'simple'::regconfig"), _TEXT)
"""The words of a ticket; the same expression as in the trigger."""
ARE_WORDS_CURRENT: Final[ColumnElement[bool]] = ticket_search.c.words.is_not_distinct_from(WORDS)
"""Whether the stored words are those of the ticket, in an outer join of both tables."""
