"""The audit accepts all entries that the product writes, with any declarations, in any order."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from engine.declaration.models import Category
from engine.errors import InterlockError
from engine.plugins import Plugin
from engine.resources.resource import Kind, Resource
from engine.storage.history.changes import read_histories
from engine.storage.outages.waiting import handle_waiting_services
from engine.storage.postgres.database import Database, open_database
from engine.storage.resources.plugins import set_plugin_enabled
from engine.storage.sla.auto_close import close_resolved_tickets
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    TransferTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.history import EntryKind
from engine.tickets.publications import PublishIncident, WithdrawIncident
from engine.vocabulary import SYSTEM, Priority, Status
from tests.support.concurrent_changes import flaws
from tests.support.database_clock import DatabaseClock
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import open_observer
from tests.support.monitored_services import record, report
from tests.support.personas import ADA, ALL_USERS
from tests.support.ticket_desk import DECLARATIONS, FIRST, PATH, WORKFLOWS

SEQUENCES: Final = 12
OPERATIONS_EACH: Final = 40
EVERY_KIND: Final = {
    *((kind, False) for kind in EntryKind if kind is not EntryKind.SLA_BREACH),
    *((EntryKind(kind), True) for kind in ("created", "status", "comment", "sla_breach")),
}
"""The kinds of entries that the sequences must lead to, by users and by `system`."""
BEGINNING: Final = datetime(2100, 1, 1, 12, tzinfo=UTC)
"""Later than the declarations that each database of the tests has."""
IDS = [user.id for user in ALL_USERS]
REQUESTERS = [None, None, None, *IDS]
CATEGORY: Final = Resource.of(Kind.CATEGORY, "all", Category(name="all", displayName="All"))
SLAS: Final = (None, {"by_priority": True}, {"targets": {"response": "1m", "resolution": "1d"}})
GROUPS: Final = (None, "payment-team", "network-team")
SECONDS: Final = (0.001, 1, 4, 6, 90, 1_900, 90_000)


@dataclass
class Operations:
    """The operations of the product on a database, by random users with random input.

    Attributes:
        clock: of the database; it can step back by a few seconds.
        now: the time, without the steps of the clock.
        at: what the clock shows.
        tickets: the ids of all tickets.

    """

    database: Database
    clock: DatabaseClock
    chance: Random = field(default_factory=lambda: Random(0))  # noqa: S311  # reproducible
    now: datetime = BEGINNING
    at: datetime = BEGINNING
    tickets: list[str] = field(default_factory=list)

    @property
    def store(self) -> TicketStore:
        return TicketStore(self.database)

    async def run(self, chance: Random, count: int) -> None:
        self.chance = chance
        for _ in range(count):
            self.now += timedelta(seconds=chance.choice(SECONDS))
            self.at = self.now + timedelta(seconds=chance.choice([0, 0, 5]))
            await self.clock.show(self.at)
            with suppress(InterlockError):  # refused
                await chance.choice(OPERATIONS)(self)

    async def written_kinds(self) -> set[tuple[EntryKind, bool]]:
        """Return the kinds of all entries, each with whether `system` made it."""
        histories = await read_histories(self.database, self.tickets)
        entries = (entry for history in histories.values() for entry in history)
        return {(each.kind, each.actor == SYSTEM) for each in entries}

    async def declare(self) -> None:
        await put_resources(self.database, [self.chance.choice(DECLARATIONS)])

    async def retire(self) -> None:
        resource = self.chance.choice(
            [each for each in FIRST if each.key.kind is not Kind.CALENDAR]
        )
        await put_resources(self.database, [replace(resource, retired=True)])

    async def switch(self) -> None:
        on = self.chance.random() < 0.6
        await set_plugin_enabled(self.database, ADA, Plugin.TICKETING, enabled=on)

    async def create(self) -> None:
        command = CreateTicket.parse(
            title="Payments fail",
            workflow=self.chance.choice(WORKFLOWS),
            priority=self.chance.choice([*Priority]),
            requester=self.chance.choice(REQUESTERS),
            assignee=self.chance.choice([None, *IDS]),
            assignee_group=self.chance.choice(GROUPS),
            sla=self.chance.choice(SLAS),
        )
        ticket = await self.store.create(self.chance.choice(ALL_USERS), command)
        self.tickets.append(ticket.id)

    async def create_from_catalog(self) -> None:
        requester = self.chance.choice(REQUESTERS)
        command = CreateTicketFromCatalog.parse(item="vpn", requester=requester)
        ticket = await self.store.create_from_catalog(self.chance.choice(ALL_USERS), command)
        self.tickets.append(ticket.id)

    async def transition(self) -> None:
        ticket = self.chance.choice(self.tickets)
        for actor in ALL_USERS:  # the first one who can
            for to in self.chance.sample([*Status], 4):
                with suppress(InterlockError):
                    command = TransitionTicket.parse(ticket=ticket, to=to)
                    await self.store.transition(actor, command)
                    return

    async def assign(self) -> None:
        command = AssignTicket.parse(
            ticket=self.chance.choice(self.tickets), assignee=self.chance.choice([None, *IDS])
        )
        await self.store.assign(self.chance.choice(ALL_USERS), command)

    async def transfer(self) -> None:
        command = TransferTicket.parse(
            ticket=self.chance.choice(self.tickets), assignee_group=self.chance.choice(GROUPS)
        )
        await self.store.transfer(self.chance.choice(ALL_USERS), command)

    async def comment(self) -> None:
        command = CommentTicket.parse(
            ticket=self.chance.choice(self.tickets),
            text="Looking",
            internal=self.chance.random() < 0.5,
        )
        await self.store.comment(self.chance.choice(ALL_USERS), command)

    async def publish(self) -> None:
        """Publish texts and withdraw them, as the random operations do not."""
        [ticket, *_] = self.tickets
        command = PublishIncident.parse(ticket=ticket, title="Cards fail", update="We look")
        await self.store.publish(ADA, command)
        await self.store.withdraw(ADA, WithdrawIncident.parse(ticket=ticket))

    async def update(self) -> None:
        command = UpdateTicket.parse(
            ticket=self.chance.choice(self.tickets),
            title=self.chance.choice([None, "Payments fail", "Cards fail"]),
            description=self.chance.choice([None, "", "Since noon"]),
            priority=self.chance.choice([None, *Priority]),
        )
        await self.store.update(self.chance.choice(ALL_USERS), command)

    async def report(self) -> None:
        result = await report(self.database, self.chance.choice(["DOWN", "OPERATIONAL"]), PATH)
        if result.ticket and result.ticket not in self.tickets:
            self.tickets.append(result.ticket)

    async def report_for_later(self) -> None:
        await record(self.database, self.chance.choice(["DOWN", "OPERATIONAL"]), PATH)

    async def maintain(self) -> None:
        await handle_waiting_services(self.database)
        await sweep_due_times(self.database, self.at)
        await close_resolved_tickets(self.database, self.at)


OPERATIONS: Final[tuple[Callable[[Operations], Awaitable[None]], ...]] = (
    *(Operations.declare, Operations.declare, Operations.retire, Operations.switch),
    *(Operations.create, Operations.create_from_catalog, Operations.report),
    *(Operations.report, Operations.report_for_later, Operations.maintain, Operations.maintain),
    *(Operations.transition,) * 5,
    *(Operations.assign, Operations.assign, Operations.transfer, Operations.comment),
    *(Operations.update, Operations.update),
)


@asynccontextmanager
async def operations(owner_url: str, database_url: str) -> AsyncIterator[Operations]:
    """Open a database with a clock of its own, some declarations and a ticket."""
    async with open_observer(owner_url) as observer:
        clock = await DatabaseClock.install(observer)
        await clock.show(BEGINNING)
        async with open_database(database_url, 2) as database:
            await put_resources(database, [CATEGORY, *FIRST])
            opened = Operations(database, clock)
            while not opened.tickets:
                with suppress(InterlockError):
                    await opened.create()
            yield opened


async def test_all_entries_follow_the_rules(owner_url: str, database_url: str) -> None:
    async with operations(owner_url, database_url) as opened:
        await opened.publish()
        for seed in range(SEQUENCES):
            await opened.run(Random(seed), OPERATIONS_EACH)  # noqa: S311  # reproducible
            assert await flaws(opened.database) == []
        assert await opened.written_kinds() == EVERY_KIND
