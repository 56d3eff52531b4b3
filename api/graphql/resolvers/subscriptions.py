"""Resolvers: subscriptions to what happens to tickets and workflows."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, TypedDict

from api.graphql.registry import Event, MakeContext, Resolvers
from api.graphql.resolvers.history import EntryFields, entry_fields
from api.graphql.shared_answers import SharedAnswers
from api.json_encoding import snake_case
from api.runtime.change_feed import WantsChange
from api.runtime.request_context import RequestContext
from engine.storage.history.changes import LoggedChange
from engine.storage.history.log import log_end, parse_position
from engine.storage.resources.workflows import parse_workflows_position
from engine.storage.tickets.reader import read_ticket
from engine.tickets.change_filter import ChangeFilter
from engine.tickets.history import EntryKind
from engine.tickets.permissions import can_read, can_read_entry
from engine.tickets.ticket import Ticket

resolvers: Final = Resolvers()


class OfTicket(TypedDict, total=False):
    """The arguments of `Subscription.ticketChanged`."""

    id: str
    after: str | None


class OfTickets(TypedDict, total=False):
    """The arguments of `Subscription.ticketsChanged`."""

    filter: Mapping[str, object] | None
    after: str | None


class OfWorkflows(TypedDict, total=False):
    """The arguments of `Subscription.workflowsChanged`."""

    after: str | None


@dataclass(frozen=True, slots=True)
class TicketChanged:
    """A change; the fields are those of `TicketChange`."""

    entry: EntryFields
    ticket: Ticket
    matches_filter: bool
    position: str


@resolvers.field("Query.position")
async def position(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> str:
    """Return where the log of all changes ends."""
    return str(await log_end(context.database))


@resolvers.source("Subscription.ticketChanged")
async def ticket_events(
    arguments: OfTicket, make_context: MakeContext
) -> AsyncGenerator[Event, None]:
    """Yield what happens to one ticket."""
    context: RequestContext = await make_context()
    ticket = await read_ticket(context.database, context.viewer, arguments["id"])

    def matches(logged: LoggedChange) -> bool:
        return logged.change.entry.ticket == ticket.id

    told = events(arguments.get("after"), matches, ChangeFilter(), make_context)
    async with aclosing(told):
        async for event in told:
            yield event


@resolvers.source("Subscription.ticketsChanged")
async def tickets_events(
    arguments: OfTickets, make_context: MakeContext
) -> AsyncGenerator[Event, None]:
    """Yield what happens to the tickets of a filter."""
    context: RequestContext = await make_context()
    wanted = filter_of(arguments)

    def matches(logged: LoggedChange) -> bool:
        return wanted.matches(logged.change, context.actor)

    told = events(arguments.get("after"), matches, wanted, make_context)
    async with aclosing(told):
        async for event in told:
            yield event


async def events(
    after: str | None, wants: WantsChange, wanted: ChangeFilter, make_context: MakeContext
) -> AsyncGenerator[Event, None]:
    """Yield the wanted changes that the viewer may see at the moment at which they are told."""
    context: RequestContext = await make_context()
    position = None if after is None else await parse_position(context.database, after)
    async with aclosing(context.changes.after(position, wants)) as changes:
        async for news in changes:
            await asyncio.sleep(0)  # a backlog holds up nobody else
            context = await make_context()
            change, viewer = news.logged.change, context.asker
            if can_read(change.now, viewer) and can_read_entry(
                change.entry, change.now, viewer.actor
            ):
                context.know(news.batch)
                shown = TicketChanged(
                    entry=entry_fields(change.entry, change.now, frozenset({change.entry.actor})),
                    ticket=change.now,
                    matches_filter=wanted.matches_ticket(change.now, viewer.actor),
                    position=str(news.logged.position),
                )
                telling = SharedAnswers(news.answers, shown.matches_filter, context)
                yield Event(shown, context, shown.position, telling)


def filter_of(arguments: OfTickets) -> ChangeFilter:
    """Return the filter that a client filled in.

    Raises:
        InvalidInput: a value can't be one; every complaint is listed.

    """
    given = {snake_case(name): value for name, value in (arguments.get("filter") or {}).items()}
    kinds = given.get("kinds")
    if isinstance(kinds, list):
        given["kinds"] = [EntryKind[kind] for kind in kinds]
    return ChangeFilter.parse(**given)


@resolvers.field("Query.workflowsPosition")
async def workflows_position(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> str:
    """Return how far the workflows that are shown have been reconciled."""
    return str(context.workflows.enforced.position)


@resolvers.source("Subscription.workflowsChanged")
async def workflows_events(
    arguments: OfWorkflows, make_context: MakeContext
) -> AsyncGenerator[Event, None]:
    """Yield the workflows that are reconciled, whenever some are."""
    context: RequestContext = await make_context()
    after = arguments.get("after")
    start = None if after is None else await parse_workflows_position(context.database, after)
    async with aclosing(context.workflows.changes(start)) as changes:
        async for changed in changes:
            position = str(changed.position)
            shown = {"workflows": changed.workflows, "position": position}
            yield Event(shown, await make_context(), position)


@resolvers.field("Subscription.ticketChanged")
@resolvers.field("Subscription.ticketsChanged")
async def ticket_changed(
    event: TicketChanged, _arguments: object, _context: RequestContext, _info: object
) -> TicketChanged:
    """Return what is told of a change."""
    return event


@resolvers.field("Subscription.workflowsChanged")
async def workflows_changed(
    event: Mapping[str, object], _arguments: object, _context: RequestContext, _info: object
) -> Mapping[str, object]:
    """Return what is told of workflows."""
    return event
