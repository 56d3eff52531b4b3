"""What every line of the log says that is written while a request is answered.

One variable holds all notes: structlog's own context has a variable for each, and goes through all
variables of a task for every line.
"""

from contextvars import ContextVar
from typing import Final

from structlog.typing import EventDict

Notes = dict[str, object]

NOTES: Final[ContextVar[Notes]] = ContextVar("notes")


def begin_notes(**notes: object) -> None:
    """Begin anew, with these notes: for what this task does from now on, and what it starts."""
    NOTES.set(notes)


def note(**notes: object) -> None:
    """Add notes."""
    NOTES.set({**NOTES.get({}), **notes})


def noted(name: str) -> object:
    """Return a note of what this task does; None if there is none of that name."""
    return NOTES.get({}).get(name)


def with_notes(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Return an event with the notes, as a processor of structlog; its own words win."""
    return {**NOTES.get({}), **event}
