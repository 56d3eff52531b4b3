"""The texts of a ticket that a search reads. Pure.

The first text is the title and the description; each comment and each internal note is another.
They are stored as words, so that PostgreSQL does not decide what a word is: its parser reads a URL
as one word, leaves out what is between angle brackets, and takes the hyphen of a code for a minus.
"""

from collections.abc import Iterable
from typing import Final, NamedTuple

from engine.tickets.history import Entry, EntryKind
from engine.tickets.search_words import words_of
from engine.tickets.ticket import Ticket

TICKET_TEXT_SEQ: Final = 1
"""The number of the text of title and description."""
TEXT_KINDS: Final = frozenset({EntryKind.COMMENT, EntryKind.NOTE})
"""The entries that have a text of their own."""
_TICKET_TEXT_KINDS: Final = frozenset({EntryKind.TITLE, EntryKind.DESCRIPTION})


class SearchText(NamedTuple):
    """One text, as it is stored.

    Attributes:
        seq: 1 for title and description; otherwise the number of the comment's entry.
        internal: whether the text is an internal note.
        text: the words in their order, with a space before and after each.

    """

    ticket: str
    seq: int
    internal: bool
    text: str


def ticket_text(ticket: Ticket) -> SearchText:
    """Return the text of title and description."""
    content = f"{ticket.title}\n{ticket.description}"
    return SearchText(ticket.id, TICKET_TEXT_SEQ, internal=False, text=stored_words(content))


def new_texts(after: Ticket, entries: Iterable[Entry]) -> list[SearchText]:
    """Return the texts that entries add or change; `after` is the ticket after them."""
    entries = list(entries)
    comments = [
        SearchText(
            each.ticket, each.seq, each.kind is EntryKind.NOTE, stored_words(each.new_value or "")
        )
        for each in entries
        if each.kind in TEXT_KINDS
    ]
    is_edited = any(each.kind in _TICKET_TEXT_KINDS for each in entries)
    return [ticket_text(after), *comments] if is_edited else comments


def stored_words(content: str) -> str:
    """Return the words of a text in the form in which they are stored."""
    return f" {' '.join(words_of(content))} "
