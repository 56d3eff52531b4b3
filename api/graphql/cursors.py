"""Cursors: a position in the list of tickets as opaque text."""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from datetime import datetime

from engine.errors import InvalidInput
from engine.storage.ticket_reads import Position
from engine.tickets.ticket import Ticket


def cursor_of(ticket: Ticket) -> str:
    """Return the cursor of a ticket."""
    created_at, id_ = Position.of(ticket)
    return urlsafe_b64encode(f"{created_at.isoformat()} {id_}".encode()).decode()


def position_at(cursor: str) -> Position:
    """Return the position that a cursor stands for.

    Raises:
        InvalidInput: it is not one that the API made.

    """
    try:
        created_at, id_ = urlsafe_b64decode(cursor.encode()).decode().split(" ")
        moment = datetime.fromisoformat(created_at)
    except (binascii.Error, ValueError):
        raise InvalidInput("This is not a cursor that a page of tickets gave.") from None
    if moment.tzinfo is None or "\0" in id_:
        raise InvalidInput("This is not a cursor that a page of tickets gave.")
    return Position(moment, id_)
