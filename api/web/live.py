"""`GET /events`: server-sent events that name what changed, for open pages.

An event only names what changed. The page then requests the content that shows it, so one renderer
makes all content and each request is authorized. The page of a ticket sends `?ticket=`; with an
empty id, a page without tickets does. A list sends its filter; it gets `listed` for a ticket that
matches, and `ticket` for one that matched before the change. The id of an event is a position of
the log: a browser that reconnects gets what it missed. `position` in the URL is the one from which
the page follows changes at first. All pages get `shell` when their sidebar changes.
"""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass
from functools import partial
from math import inf
from typing import Final, Self

from aiohttp import web

from api.http.access import ProtectedRoute
from api.http.app_keys import ACTOR, RATE_LIMITER, VIEWER
from api.http.event_stream import KEEP_ALIVE, RETRY, EventStreams, encode_event
from api.http.stream_sessions import EndReason, StreamSession
from api.runtime.change_feed import FeedChange
from api.runtime.request_context import RequestContext
from api.web.pages import Pages
from api.web.sessions import end_with_sign_in
from api.web.ticket_query import parse_filter
from engine.errors import InterlockError, PositionLost
from engine.plugins import Plugin
from engine.storage.history.position import Position
from engine.storage.tickets.filters import conditions_of
from engine.storage.tickets.search import matches_now
from engine.tickets.actor import Actor
from engine.tickets.permissions import can_read, can_read_entry
from engine.tickets.search import TicketFilter

_PATH: Final = "/events"
_CHECK_SECONDS: Final = 0.5
_SHELL: Final = encode_event("shell")
_RESET: Final = encode_event("reset", event_id="")
"""The page must be read again: the database lost changes."""


@dataclass(frozen=True, slots=True)
class LiveEvents:
    """Answers with events until the page is left or the reader signs out."""

    pages: Pages
    streams: EventStreams

    @property
    def route(self) -> ProtectedRoute:
        """The route of the stream, which no time limit ends."""
        route = web.get(_PATH, self._answer, allow_head=False)
        return ProtectedRoute(self.pages.access, route, self.pages.error, inf)

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        request.app[RATE_LIMITER].check(request[VIEWER])
        followed = _Followed.read(request)
        context = await self.pages.create_context(request[ACTOR])

        async def send(stream: web.StreamResponse, session: StreamSession) -> None:
            await stream.write(KEEP_ALIVE)
            sidebar = asyncio.create_task(_watch_sidebar(request, stream, context, session))
            try:
                await self._send_changes(request, stream, context, followed)
            finally:
                sidebar.cancel()
                await asyncio.wait([sidebar])

        return await self.streams.answer(request, partial(end_with_sign_in, request), send)

    async def _send_changes(
        self,
        request: web.Request,
        stream: web.StreamResponse,
        context: RequestContext,
        followed: "_Followed",
    ) -> None:
        """Send an event for each change until nothing more can be sent."""
        try:
            async with aclosing(self._changes(request, context, followed)) as events:
                async for event in events:
                    await stream.write(event)
                    await request.app[RATE_LIMITER].wait(request[VIEWER])
        except PositionLost:
            await stream.write(_RESET)
        except InterlockError:
            await stream.write(RETRY)

    async def _changes(
        self, request: web.Request, context: RequestContext, followed: "_Followed"
    ) -> AsyncGenerator[bytes, None]:
        """Yield an event for each change that the page follows and the reader can read."""
        after = request.headers.get("Last-Event-ID", request.query.get("position"))
        position = Position.parse(after) if after else None
        selects = partial(followed.selects, context.actor)
        async with aclosing(context.changes.subscribe(position, selects)) as changes:
            async for change in changes:
                context = await self.pages.create_context(request[ACTOR])
                viewer = context.viewer
                if can_read(change.ticket, viewer) and can_read_entry(
                    change.entry, change.ticket, viewer.actor
                ):
                    event = await followed.event_of(change, context)
                    yield encode_event(event, change.ticket.id.encode(), change.position)


async def _watch_sidebar(
    request: web.Request,
    stream: web.StreamResponse,
    context: RequestContext,
    session: StreamSession,
) -> None:
    """Send an event when ticketing is switched on or off.

    When the page is left, the stream ends: it counts as a request of the reader in progress.
    """
    was_on = context.plugins.is_on(Plugin.TICKETING)
    with suppress(ConnectionError):
        while request.transport is not None:
            await asyncio.sleep(_CHECK_SECONDS)
            is_on = context.plugins.is_on(Plugin.TICKETING)
            if is_on != was_on:
                was_on = is_on
                await stream.write(_SHELL)
    session.expire_after(0, EndReason.NOT_READ)


@dataclass(frozen=True, slots=True)
class _Followed:
    """What a page follows: one ticket, or the tickets that match a filter.

    Attributes:
        ticket: the id; empty to follow no ticket, None to follow those that match.
        wanted: the filter.

    """

    ticket: str | None
    wanted: TicketFilter

    @classmethod
    def read(cls, request: web.Request) -> Self:
        """Return what the page that sends a request follows.

        Raises:
            InvalidInput: the filter is invalid.

        """
        if (ticket := request.query.get("ticket")) is not None:
            return cls(ticket, TicketFilter())
        query = ((name, value) for name, value in request.query.items() if name != "position")
        return cls(None, parse_filter(tuple(query)))

    def selects(self, actor: Actor, change: FeedChange) -> bool:
        """Return whether a change concerns the page, as far as the ticket itself shows it."""
        if self.ticket is not None:
            return self.ticket == change.ticket.id
        states = (change.after, change.before)
        return any(state and self.wanted.matches_ticket(state, actor) for state in states)

    async def event_of(self, change: FeedChange, context: RequestContext) -> str:
        """Return the name of the event for a change."""
        if self.ticket is not None or not self.wanted.matches_ticket(change.ticket, context.actor):
            return "ticket"
        if self.wanted.has_only_traits:
            return "listed"
        conditions = conditions_of(self.wanted, context.actor)
        is_listed = await matches_now(
            context.databases.reads, context.viewer, conditions, change.ticket.id
        )
        return "listed" if is_listed else "ticket"
