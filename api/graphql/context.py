"""What the resolvers of one request share: who asks, whom to ask, and what was read already."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Generic, TypeVar

from api.catalog import LiveCatalog
from api.changes import Changes
from api.limits import GraphQLLimits
from api.plugins import LivePlugins
from api.workflows import LiveWorkflows
from engine.storage.database import Database
from engine.storage.ticket_reads import histories, read_clock
from engine.storage.ticket_store import TicketStore
from engine.storage.users import user_names
from engine.tickets.actor import Actor
from engine.tickets.history import Entry
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import Viewer
from engine.vocabulary import SYSTEM

T = TypeVar("T")


class Once(Generic[T]):
    """Something that is read when it is first asked for, and once only."""

    def __init__(self, read: Callable[[], Awaitable[T]]) -> None:
        self._read = read
        self._reading: asyncio.Future[T] | None = None

    async def __call__(self) -> T:
        """Return it."""
        if self._reading is None:
            self._reading = asyncio.ensure_future(self._read())
        return await self._reading


class Batch:
    """Tickets that were read together: what one of them needs is read for all of them at once."""

    def __init__(self, database: Database, tickets: Sequence[Ticket]) -> None:
        self._database = database
        self._tickets = tickets

    @cached_property
    def histories(self) -> Once[dict[str, list[Entry]]]:
        """Their histories, by ticket."""
        return Once(self._histories)

    @cached_property
    def now(self) -> Once[datetime]:
        """The moment by which they are judged."""
        return Once(self._now)

    @cached_property
    def names_of_people(self) -> Once[dict[str, str]]:
        """The names of requesters and assignees, by id."""
        return Once(self._names_of_people)

    @cached_property
    def names_of_actors(self) -> Once[dict[str, str]]:
        """The names of whoever changed them, by id."""
        return Once(self._names_of_actors)

    async def _histories(self) -> dict[str, list[Entry]]:
        return await histories(self._database, [ticket.id for ticket in self._tickets])

    async def _now(self) -> datetime:
        return await read_clock(self._database)

    async def _names_of_people(self) -> dict[str, str]:
        people = {person for each in self._tickets for person in (each.requester, each.assignee)}
        return await self._names(people - {None})

    async def _names_of_actors(self) -> dict[str, str]:
        all_entries = (await self.histories()).values()
        return await self._names({each.actor for entries in all_entries for each in entries})

    async def _names(self, ids: set[str | None]) -> dict[str, str]:
        people = sorted(each for each in ids if each is not None and each != SYSTEM)
        return await user_names(self._database, people) if people else {}


@dataclass(frozen=True, slots=True)
class Context:
    """One request's share of the application."""

    viewer: Viewer
    database: Database
    store: TicketStore
    workflows: LiveWorkflows
    catalog: LiveCatalog
    plugins: LivePlugins
    limits: GraphQLLimits
    changes: Changes
    _batches: dict[str, Batch] = field(default_factory=dict)

    @property
    def actor(self) -> Actor:
        """The person who asks."""
        return self.viewer.actor

    def together(self, tickets: Sequence[Ticket]) -> list[Ticket]:
        """Return tickets, noting that they were read together."""
        batch = Batch(self.database, tickets)
        self._batches.update(dict.fromkeys((ticket.id for ticket in tickets), batch))
        return list(tickets)

    def batch_of(self, ticket: Ticket) -> Batch:
        """Return the tickets that this one was read with."""
        return self._batches[ticket.id]
