"""The context of a task: values that every log line of a request contains.

One context variable holds all values. structlog's own context has one variable for each, and copies
the task's whole context for every line: 4.8 us per request instead of 0.9 us, 2 % of a transition.
"""

from contextvars import ContextVar
from typing import Final

from structlog.typing import EventDict

from engine.errors import InterlockError

Context = dict[str, object]
_TICKET_CHARACTERS: Final = 40
"""Enough for any id; a client can send a longer text."""

CONTEXT: Final[ContextVar[Context]] = ContextVar("log_context")


def start_context(**values: object) -> None:
    """Replace the context of this task, and of tasks that it starts."""
    CONTEXT.set(values)


def bind(**values: object) -> None:
    """Add values to the context."""
    CONTEXT.set({**CONTEXT.get({}), **values})


def bind_ticket(ticket: str) -> None:
    """Add a ticket that the request creates or changes.

    Of several tickets, the context has the first one (`ticket`), and their number (`tickets`).
    """
    context = CONTEXT.get({})
    if "ticket" in context:
        number = context.get("tickets", 1)
        bind(tickets=number + 1 if isinstance(number, int) else 1)
    else:
        bind(ticket=ticket[:_TICKET_CHARACTERS])


def cause_fields(error: BaseException) -> dict[str, object]:
    """Return the fields of a log line about an error: the reason, or the traceback of a fault."""
    return {"reason": error.message} if isinstance(error, InterlockError) else {"exc_info": error}


def bound(name: str) -> object:
    """Return a value of the context; None if the name is not bound."""
    return CONTEXT.get({}).get(name)


def add_context(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Return an event with the context (a processor of structlog); the event's values win."""
    return {**CONTEXT.get({}), **event}
