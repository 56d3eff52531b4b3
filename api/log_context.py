"""What every line of the log says that is written while a request is answered.

One variable holds all notes: structlog's own context has a variable for each, and goes through all
variables of a task for every line.
"""

from contextvars import ContextVar
from typing import Final

from structlog.typing import EventDict

Context = dict[str, object]

CONTEXT: Final[ContextVar[Context]] = ContextVar("notes")


def start_context(**notes: object) -> None:
    """Begin anew, with these notes: for what this task does from now on, and what it starts."""
    CONTEXT.set(notes)


def bind(**notes: object) -> None:
    """Add notes."""
    CONTEXT.set({**CONTEXT.get({}), **notes})


def bound(name: str) -> object:
    """Return a note of what this task does; None if there is none of that name."""
    return CONTEXT.get({}).get(name)


def add_context(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Return an event with the notes, as a processor of structlog; its own words win."""
    return {**CONTEXT.get({}), **event}
