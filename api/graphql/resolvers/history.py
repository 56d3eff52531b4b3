"""Resolvers of the history of tickets."""

from collections.abc import Mapping
from typing import Any, Final, TypedDict

from api.graphql.registry import Resolvers
from api.graphql.resolvers.tickets import role_names
from api.graphql.resolvers.users import User
from api.graphql.tartiflette.selected_fields import selects
from api.limits import DEFAULT_LATEST_ENTRIES
from api.pagination import (
    PageArguments,
    check_page_size,
    connection,
    decode_cursor,
    encode_cursor,
    page_size,
    parse_seq,
)
from api.runtime.request_context import RequestContext
from engine.storage.tickets.history_pages import (
    EXCERPT_CHARACTERS,
    SEQ_MAX,
    HistoryPageRequest,
)
from engine.tickets.history import Entry, EntryKind
from engine.tickets.system_actor import api_key_of, system_reason
from engine.tickets.ticket import Ticket, other_requester
from engine.vocabulary import SYSTEM, ActorRoles

resolvers: Final = Resolvers()


_WHOLE_TEXTS: Final = frozenset({"comment", "fullFrom", "fullTo"})


class _LatestArguments(TypedDict, total=False):
    last: int | None


class _PageArguments(PageArguments, total=False):
    kinds: list[str] | None


@resolvers.field("Ticket.history", reads_viewer=True)
async def history(
    ticket: Ticket, arguments: _LatestArguments, context: RequestContext, info: object
) -> list[dict[str, object]]:
    """Return the latest entries of the history of a ticket, up to the version that was read.

    Raises:
        InvalidInput: `last` is not positive.
        LimitExceeded: `last` is too large.

    """
    last, bound = arguments.get("last"), context.limits.latest_history
    if last is None:
        last = min(DEFAULT_LATEST_ENTRIES, bound)
    request = HistoryPageRequest(
        size=check_page_size("last", last, "latest_history", bound),
        from_end=True,
        whole_texts=selects(info, _WHOLE_TEXTS),
    )
    pages = await context.loader_of(ticket).history_pages(request, context.actor)
    entries = pages.pages[ticket.id].entries
    return [entry_fields(entry, ticket, pages.actors) for entry in entries]


@resolvers.field("Ticket.historyConnection", reads_viewer=True)
async def history_connection(
    ticket: Ticket, arguments: _PageArguments, context: RequestContext, info: object
) -> dict[str, object]:
    """Return a page of the history of a ticket, up to the version that was read.

    Raises:
        InvalidInput: an argument is invalid.
        LimitExceeded: the page is too large.

    """
    after, before = arguments.get("after"), arguments.get("before")
    kinds = arguments.get("kinds")
    request = HistoryPageRequest(
        size=page_size(arguments, "page_history", context.limits.page_history),
        after=0 if after is None else decode_cursor(after, parse_seq)[0],
        before=SEQ_MAX if before is None else decode_cursor(before, parse_seq)[0],
        from_end=arguments.get("last") is not None,
        kinds=frozenset(EntryKind if kinds is None else (EntryKind[kind] for kind in kinds)),
        whole_texts=selects(info, _WHOLE_TEXTS),
    )
    pages = await context.loader_of(ticket).history_pages(request, context.actor)
    page = pages.pages[ticket.id]
    edges = [
        {"cursor": encode_cursor(entry.seq), "node": entry_fields(entry, ticket, pages.actors)}
        for entry in page.entries
    ]
    return connection(arguments, edges, has_more=page.has_more)


def entry_fields(entry: Entry, ticket: Ticket, actors: frozenset[str]) -> dict[str, object]:
    """Return the fields of an entry, and what the resolvers of its users need.

    Args:
        entry: the entry.
        ticket: its ticket.
        actors: the users whose names are read together with the actor's.

    """
    has_text = entry.kind in {EntryKind.COMMENT, EntryKind.NOTE}
    return {
        "ticket": ticket,
        "actors": actors,
        "seq": entry.seq,
        "at": entry.at,
        "actor": entry.actor,
        "otherRequester": other_requester(ticket, entry),
        "kind": entry.kind.name,
        "from": _excerpt(entry.old_value),
        "to": None if has_text else _excerpt(entry.new_value),
        "fullFrom": entry.old_value,
        "fullTo": None if has_text else entry.new_value,
        "comment": entry.new_value if has_text else None,
        "actorRoles": role_names(ActorRoles(entry.actor_bits)),
        "reason": system_reason(entry),
        "apiKey": api_key_of(entry),
    }


def _excerpt(value: str | None) -> str | None:
    return value and value[:EXCERPT_CHARACTERS]


@resolvers.field("HistoryEntry.actorUser")
async def actor_user(
    entry: Mapping[str, Any], _arguments: object, context: RequestContext, _info: object
) -> User | None:
    """Return the user who made an entry."""
    if entry["actor"] == SYSTEM:
        return None
    names = await context.loader_of(entry["ticket"]).names_of(entry["actors"])
    return User.of(entry["actor"], names)


@resolvers.field("HistoryEntry.onBehalfOf")
async def on_behalf_of(
    entry: Mapping[str, Any], _arguments: object, context: RequestContext, _info: object
) -> User | None:
    """Return the user for whom the actor of an entry opened the ticket."""
    if entry["otherRequester"] is None:
        return None
    loader = context.loader_of(entry["ticket"])
    return User.of(entry["otherRequester"], await loader.involved_names())
