"""Tickets that were read together, and what belongs to them."""

from collections.abc import Sequence
from datetime import datetime
from functools import cached_property

from api.sharing import OnceForAll
from engine.storage.database import Database
from engine.storage.ticket_reads import histories, read_clock
from engine.storage.users import user_names
from engine.tickets.history import Entry
from engine.tickets.ticket import Ticket
from engine.vocabulary import SYSTEM


class Batch:
    """Tickets that were read together: what one of them needs is read for all of them at once.

    Nothing in it depends on who asks, so it may serve several requests.

    Attributes:
        tickets: those that were read.

    """

    def __init__(self, database: Database, tickets: Sequence[Ticket]) -> None:
        self._database = database
        self.tickets = tickets

    @cached_property
    def histories(self) -> OnceForAll[dict[str, list[Entry]]]:
        """Their histories, by ticket."""
        return OnceForAll(self._histories)

    @cached_property
    def now(self) -> OnceForAll[datetime]:
        """The moment by which they are judged."""
        return OnceForAll(self._now)

    @cached_property
    def names_of_people(self) -> OnceForAll[dict[str, str]]:
        """The names of requesters and assignees, by id."""
        return OnceForAll(self._names_of_people)

    @cached_property
    def names_of_actors(self) -> OnceForAll[dict[str, str]]:
        """The names of whoever changed them, by id."""
        return OnceForAll(self._names_of_actors)

    async def _histories(self) -> dict[str, list[Entry]]:
        return await histories(self._database, [ticket.id for ticket in self.tickets])

    async def _now(self) -> datetime:
        return await read_clock(self._database)

    async def _names_of_people(self) -> dict[str, str]:
        people = {person for each in self.tickets for person in (each.requester, each.assignee)}
        return await self._names(people - {None})

    async def _names_of_actors(self) -> dict[str, str]:
        all_entries = (await self.histories()).values()
        return await self._names({each.actor for entries in all_entries for each in entries})

    async def _names(self, ids: set[str | None]) -> dict[str, str]:
        people = sorted(each for each in ids if each is not None and each != SYSTEM)
        return await user_names(self._database, people) if people else {}
