"""Loading what belongs to tickets that were read together, in one statement for all of them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cached_property

from api.runtime.single_flight import SingleCall, SingleFlight
from engine.declaration.models import Service
from engine.outages.uptime import Uptime
from engine.storage.outages.uptime import read_uptimes
from engine.storage.postgres.database import Database
from engine.storage.tickets.history_pages import (
    HistoryPageRequest,
    HistoryPages,
    read_history_pages,
)
from engine.storage.tickets.reader import read_clock, read_timers
from engine.storage.tickets.users import read_user_names
from engine.tickets.actor import Actor
from engine.tickets.permissions import can_read_notes
from engine.tickets.sla_timers import SlaTimers
from engine.tickets.ticket import Ticket
from engine.vocabulary import SYSTEM


class UptimeLoader:
    """Calculates the uptimes of services that were read together."""

    def __init__(self, database: Database, services: Sequence[Service]) -> None:
        self._database = database
        self._services = services
        self._uptimes: SingleFlight[Mapping[str, Uptime]] = SingleFlight()
        self._now = SingleCall(lambda: read_clock(database))

    async def uptime(self, path: str, start: datetime, end: datetime | None) -> Uptime:
        """Return the uptime of one of the services in a period, which by default ends now."""
        until = await self._now() if end is None else end
        uptimes = await self._uptimes.get(
            (start, until),
            lambda: read_uptimes(self._database, self._services, start, until),
        )
        return uptimes[path]


class TicketLoader:
    """Loads what belongs to tickets that were read together.

    Several requests can share a loader: results that depend on the actor are kept separately.

    Attributes:
        tickets: the tickets.

    """

    def __init__(self, database: Database, tickets: Sequence[Ticket]) -> None:
        self._database = database
        self.tickets = tickets
        self._with_notes: dict[Actor, frozenset[str]] = {}
        self._history_pages: SingleFlight[HistoryPages] = SingleFlight()
        self._user_names: SingleFlight[dict[str, str]] = SingleFlight()

    @cached_property
    def timers(self) -> SingleCall[dict[str, SlaTimers | None]]:
        """The SLA timers of the tickets, by id; None for a ticket without SLA targets."""
        return SingleCall(lambda: read_timers(self._database, self.tickets))

    @cached_property
    def now(self) -> SingleCall[datetime]:
        """The time of the database."""
        return SingleCall(lambda: read_clock(self._database))

    @cached_property
    def involved_names(self) -> SingleCall[dict[str, str]]:
        """The names of requesters and assignees, by id."""
        users = {user for each in self.tickets for user in (each.requester, each.assignee)}
        return SingleCall(lambda: self._read_names(users))

    async def history_pages(self, part: HistoryPageRequest, actor: Actor) -> HistoryPages:
        """Return a page of the history of each ticket, with the notes that the actor can read."""
        with_notes = self._with_notes.get(actor)
        if with_notes is None:
            readable = (ticket.id for ticket in self.tickets if can_read_notes(ticket, actor))
            with_notes = self._with_notes[actor] = frozenset(readable)
        return await self._history_pages.get(
            (part, with_notes),
            lambda: read_history_pages(self._database, self.tickets, part, with_notes),
        )

    async def names_of(self, users: frozenset[str]) -> dict[str, str]:
        """Return the names of users, by id."""
        return await self._user_names.get(users, lambda: self._read_names(users))

    async def _read_names(self, ids: Iterable[str | None]) -> dict[str, str]:
        users = sorted(each for each in ids if each is not None and each != SYSTEM)
        return await read_user_names(self._database, users) if users else {}
