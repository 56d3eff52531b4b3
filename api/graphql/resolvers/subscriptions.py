"""Resolvers of subscriptions to changes of tickets and workflows."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Final, TypedDict

from api.graphql.event_streams import Event, MakeContext
from api.graphql.registry import Resolvers
from api.graphql.resolvers.history import entry_fields
from api.json_encoding import snake_case
from api.runtime.change_feed import FeedChange
from api.runtime.request_context import RequestContext
from engine.storage.history.position import Position
from engine.storage.resources.reconciliations import ReconciliationPosition, check_reconciliation
from engine.storage.tickets.reader import read_ticket
from engine.tickets.change_filter import ChangeFilter
from engine.tickets.history import EntryKind
from engine.tickets.permissions import can_read, can_read_entry

resolvers: Final = Resolvers()


class _TicketChangedArguments(TypedDict, total=False):
    id: str
    after: str | None


class _TicketsChangedArguments(TypedDict, total=False):
    filter: Mapping[str, object] | None
    after: str | None


class _WorkflowsChangedArguments(TypedDict, total=False):
    after: str | None


@resolvers.field("Query.position")
async def position(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> str:
    """Return the position at the end of the log."""
    return str(await context.changes.end())


@resolvers.source("Subscription.ticketChanged")
def ticket_events(
    arguments: _TicketChangedArguments, make_context: MakeContext
) -> AsyncGenerator[Event, None]:
    """Return the changes of one ticket."""
    return _ticket_events(make_context, arguments.get("after"), ChangeFilter(), arguments["id"])


@resolvers.source("Subscription.ticketsChanged")
def tickets_events(
    arguments: _TicketsChangedArguments, make_context: MakeContext
) -> AsyncGenerator[Event, None]:
    """Return the changes that a filter selects."""
    fields = {snake_case(name): value for name, value in (arguments.get("filter") or {}).items()}
    kinds = fields.get("kinds")
    if isinstance(kinds, list):
        fields["kinds"] = [EntryKind[kind] for kind in kinds]
    return _ticket_events(make_context, arguments.get("after"), ChangeFilter.parse(**fields))


async def _ticket_events(
    make_context: MakeContext,
    after: str | None,
    change_filter: ChangeFilter,
    ticket_id: str | None = None,
) -> AsyncGenerator[Event, None]:
    """Yield the selected changes that the viewer can read when they are sent.

    Raises:
        InvalidInput: `after` is not a position.
        PositionLost: the database lost changes that the subscriber got.
        NotFound: the viewer can read no ticket with `ticket_id`.

    """
    context: RequestContext = await make_context()
    actor = context.actor
    if ticket_id is not None:
        await read_ticket(context.databases.reads, context.viewer, ticket_id)

    def selects(change: FeedChange) -> bool:
        if ticket_id is not None and ticket_id != change.ticket.id:
            return False
        return change_filter.matches(change.entry, change.before, change.after, actor)

    position = None if after is None else Position.parse(after)
    async with aclosing(context.changes.subscribe(position, selects)) as changes:
        async for change in changes:
            await asyncio.sleep(0)  # a backlog must not block other tasks
            context = await make_context()
            entry, ticket, viewer = change.entry, change.ticket, context.viewer
            if can_read(ticket, viewer) and can_read_entry(entry, ticket, viewer.actor):
                context.add_loader(change.loader)
                matches_filter = change_filter.matches_ticket(ticket, viewer.actor)
                position_text = str(change.position)
                fields = {
                    "entry": entry_fields(entry, ticket, frozenset({entry.actor})),
                    "ticket": ticket,
                    "matchesFilter": matches_filter,
                    "position": position_text,
                }
                yield Event(fields, context, position_text, change.answers, matches_filter)


@resolvers.field("Query.workflowsPosition")
async def workflows_position(
    _parent: object, _arguments: object, context: RequestContext, _info: object
) -> str:
    """Return the position of the workflows that the server uses."""
    return str(context.workflows.enforced.position)


@resolvers.source("Subscription.workflowsChanged")
async def workflows_events(
    arguments: _WorkflowsChangedArguments, make_context: MakeContext
) -> AsyncGenerator[Event, None]:
    """Yield the workflows that a reconciliation changed.

    Raises:
        InvalidInput: `after` is not a position.
        PositionLost: the database lost reconciliations.

    """
    context: RequestContext = await make_context()
    after = arguments.get("after")
    start = None
    if after is not None:
        start = ReconciliationPosition.parse(after)
        await check_reconciliation(context.databases.reads, start)
    async with aclosing(context.workflows.changes(start)) as changes:
        async for change in changes:
            position = str(change.position)
            fields = {"workflows": change.workflows, "position": position}
            yield Event(fields, await make_context(), position)


@resolvers.field("Subscription.ticketChanged")
@resolvers.field("Subscription.ticketsChanged")
@resolvers.field("Subscription.workflowsChanged")
async def event_value(
    value: Mapping[str, object], _arguments: object, _context: RequestContext, _info: object
) -> Mapping[str, object]:
    """Return the value of an event, which is the parent of this resolver."""
    return value
