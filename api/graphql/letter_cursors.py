"""Cursors: a place in a list of what was given up of webhooks, as opaque text."""

from api.graphql.cursors import entry_number, moment, opaque, parts_of, ticket_id
from engine.errors import InvalidInput
from engine.storage.webhooks.dead_letters import DeadLetter
from engine.storage.webhooks.oversight import LetterPlace


def letter_cursor(letter: DeadLetter) -> str:
    """Return the cursor of a letter."""
    return opaque(letter.at, letter.ticket, letter.seq)


def letter_place(cursor: str) -> LetterPlace:
    """Return the place that a cursor stands for.

    Raises:
        InvalidInput: it is not one that the API made.

    """
    try:
        at, ticket, seq = parts_of(cursor)
        return LetterPlace(moment(at), ticket_id(ticket), entry_number(seq))
    except (ValueError, OverflowError):
        raise InvalidInput("This is not a cursor that a page of dead letters gave.") from None
