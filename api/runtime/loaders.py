"""Tickets that were read together, and what belongs to them."""

from collections.abc import Collection, Sequence
from datetime import datetime
from functools import cached_property

from api.runtime.single_flight import Call, SingleFlight
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


class TicketLoader:
    """Tickets that were read together: what one of them needs is read for all of them at once.

    It may serve several requests: what depends on who asks is kept by that.

    Attributes:
        tickets: those that were read.

    """

    def __init__(self, database: Database, tickets: Sequence[Ticket]) -> None:
        self._database = database
        self.tickets = tickets
        self._noted: dict[Actor, frozenset[str]] = {}
        self._history_pages: SingleFlight[HistoryPages] = SingleFlight()
        self._names_of: SingleFlight[dict[str, str]] = SingleFlight()

    @cached_property
    def timers(self) -> Call[dict[str, SlaTimers | None]]:
        """What was promised for them, and how that stands, by ticket."""
        return Call(self._timers)

    @cached_property
    def now(self) -> Call[datetime]:
        """The moment by which they are judged."""
        return Call(self._now)

    @cached_property
    def names_of_people(self) -> Call[dict[str, str]]:
        """The names of requesters and assignees, by id."""
        return Call(self._names_of_people)

    async def history_pages(self, part: HistoryPageRequest, actor: Actor) -> HistoryPages:
        """Return a page of each one's history, as far as the actor may see it."""
        with_notes = self._with_notes(actor)
        return await self._history_pages.get(
            (part, with_notes),
            lambda: read_history_pages(self._database, self.tickets, part, with_notes),
        )

    async def names_of(self, people: frozenset[str]) -> dict[str, str]:
        """Return the names of people, by id."""
        return await self._names_of.get(people, lambda: self._names(people))

    def _with_notes(self, actor: Actor) -> frozenset[str]:
        """Return the ids of those whose notes the actor may see."""
        if actor not in self._noted:
            seen = (ticket.id for ticket in self.tickets if can_read_notes(ticket, actor))
            self._noted[actor] = frozenset(seen)
        return self._noted[actor]

    async def _timers(self) -> dict[str, SlaTimers | None]:
        return await read_timers(self._database, self.tickets)

    async def _now(self) -> datetime:
        return await read_clock(self._database)

    async def _names_of_people(self) -> dict[str, str]:
        people = {person for each in self.tickets for person in (each.requester, each.assignee)}
        return await self._names(people - {None})

    async def _names(self, ids: Collection[str | None]) -> dict[str, str]:
        people = sorted(each for each in ids if each is not None and each != SYSTEM)
        return await read_user_names(self._database, people) if people else {}
