"""Resolvers: the history of tickets, in pages."""

from typing import Final, TypedDict

from api.graphql.pagination import (
    Connection,
    PageArguments,
    connection,
    entry_number,
    opaque,
    parts_of,
    size_of,
)
from api.graphql.registry import Resolvers
from api.graphql.resolvers.tickets import role_names
from api.graphql.resolvers.users import User
from api.runtime.request_context import RequestContext
from engine.errors import InvalidInput
from engine.storage.tickets.history_pages import SEQ_MAX, HistoryPageRequest
from engine.tickets.history import Entry, EntryKind
from engine.tickets.system_actor import system_reason
from engine.tickets.ticket import Ticket
from engine.vocabulary import SYSTEM, ActorRoles

resolvers: Final = Resolvers()


class HistoryArguments(PageArguments, total=False):
    """The arguments of `Ticket.history`."""

    kinds: list[str] | None


EntryFields = TypedDict(
    "EntryFields",
    {
        "ticket": Ticket,
        "actors": frozenset[str],
        "seq": int,
        "at": object,
        "actor": str,
        "kind": str,
        "from": str | None,
        "to": str | None,
        "comment": str | None,
        "actorRoles": list[str],
        "reason": str | None,
    },
)
"""The fields of `HistoryEntry`, its ticket, and those whose names are read with its actor's."""


@resolvers.field("Ticket.history", reads_viewer=True)
async def history(
    ticket: Ticket, arguments: HistoryArguments, context: RequestContext, _info: object
) -> Connection:
    """Return a page of the history of a ticket, as far as the version that was read."""
    part = part_of(arguments, context.limits.page_history)
    together = await context.loader_of(ticket).history_pages(part, context.actor)
    page = together.pages[ticket.id]
    edges = [
        {"cursor": entry_cursor(entry), "node": entry_fields(entry, ticket, together.actors)}
        for entry in page.entries
    ]
    return connection(arguments, edges, has_more=page.has_more)


def part_of(arguments: HistoryArguments, most: int) -> HistoryPageRequest:
    """Return the part of a history that a client asks for; `most` entries at once.

    Raises:
        InvalidInput: its size or its cursors are none.
        LimitExceeded: it is too large.

    """
    after, before = arguments.get("after"), arguments.get("before")
    kinds = arguments.get("kinds")
    return HistoryPageRequest(
        size=size_of(arguments, "page_history", most),
        after=0 if after is None else seq_at(after),
        before=SEQ_MAX if before is None else seq_at(before),
        from_end=arguments.get("last") is not None,
        kinds=frozenset(EntryKind if kinds is None else (EntryKind[kind] for kind in kinds)),
    )


def entry_cursor(entry: Entry) -> str:
    """Return the cursor of an entry in the history of its ticket."""
    return opaque(entry.seq)


def seq_at(cursor: str) -> int:
    """Return the number of the entry that a cursor stands for.

    Raises:
        InvalidInput: it is not one that the API made.

    """
    try:
        [seq] = parts_of(cursor)
        return entry_number(seq)
    except ValueError:
        raise InvalidInput("This is not a cursor that a page of history gave.") from None


def entry_fields(entry: Entry, ticket: Ticket, actors: frozenset[str]) -> EntryFields:
    """Return the fields of an entry; the names of these actors are read together."""
    is_said = entry.kind in {EntryKind.COMMENT, EntryKind.NOTE}
    return {
        "ticket": ticket,
        "actors": actors,
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "kind": entry.kind.name,
        "from": entry.old_value,
        "to": None if is_said else entry.new_value,
        "comment": entry.new_value if is_said else None,
        "actorRoles": role_names(ActorRoles(entry.actor_bits)),
        "reason": system_reason(entry),
    }


@resolvers.field("HistoryEntry.actorUser")
async def actor_user(
    entry: EntryFields, _arguments: object, context: RequestContext, _info: object
) -> User | None:
    """Return the person who made an entry."""
    if entry["actor"] == SYSTEM:
        return None
    names = await context.loader_of(entry["ticket"]).names_of(entry["actors"])
    return User.of(entry["actor"], names)
