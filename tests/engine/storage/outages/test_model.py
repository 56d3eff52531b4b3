"""Random sequences of events: the database follows the model of `tests.support.outage_world`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import count

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.resources.resource import Kind, Resource
from engine.storage.outages.reconcile_tickets import handle_service
from engine.storage.outages.waiting import handle_waiting_services
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.rows import ticket_of
from engine.storage.tickets.change import LOCKED_TICKET
from engine.storage.tickets.writer import append_entries
from engine.tickets.actor import Actor
from engine.tickets.changes import Change, build_entries
from engine.tickets.history import Entry, EntryKind
from tests.support.concurrent_changes import flaws
from tests.support.database_clock import DatabaseClock
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import Observer, open_observer
from tests.support.monitored_services import history, outage_tickets, record
from tests.support.outage_world import EMERGENCY, EVENTS, FLAPPING, TICK, World, handle
from tests.support.personas import ALL_USERS

Steps = list[tuple[str, bool]]
"""Names of events, and whether the report handles the service; if not, the periodic job does."""

FREQUENT = ("reported DOWN", "reported OPERATIONAL", "hold-down over", "handled by a user")
STEPS = st.lists(
    st.tuples(st.sampled_from(FREQUENT) | st.sampled_from(sorted(EVENTS)), st.booleans()),
    min_size=20,
    max_size=50,
)
USERS = {user.id: user for user in ALL_USERS}
SYSTEM_FLAGS = {
    "enabled": "UPDATE plugins SET enabled = $1",
    "workflow_retired": "UPDATE workflows SET retired_at = CASE WHEN $1 THEN now() END",
}


@dataclass(frozen=True, slots=True)
class Stage:
    """A database that repeats what happens in a world.

    Attributes:
        starts: when the worlds start: each after the previous one, whose service stays there.

    """

    database: Database
    observer: Observer
    clock: DatabaseClock
    starts: list[datetime] = field(default_factory=lambda: [World().now])

    async def play(self, path: str, steps: Steps) -> None:
        """Play events in the world of a new service and in the database; compare after each."""
        start = self.starts[-1]
        service = FLAPPING.model_copy(update={"path": path})
        world = World(now=start, since=start, service=service)
        await self.clock.show(world.now)
        await self.declare(world)
        await self.follow(replace(world, enabled=False, workflow_retired=True), world)
        await record(self.database, world.status, path)
        world = await self.handle(world, at_once=True)
        for name, at_once in steps:
            changed = EVENTS[name](replace(world, now=world.now + TICK))
            await self.follow(world, changed)
            world = await self.handle(changed, at_once=at_once)
        self.starts.append(world.now + TICK)
        assert await flaws(self.database) == []

    async def handle(self, world: World, *, at_once: bool) -> World:
        """Handle the service in the world and in the database, and compare the histories."""
        path = world.service.path
        await (
            handle_service(self.database, path)
            if at_once
            else handle_waiting_services(self.database)
        )
        world = handle(world)
        tickets = await outage_tickets(self.database, path)
        found = [comparable(await history(self.database, each.id)) for each in tickets]
        assert found == [comparable(each) for each in world.tickets]
        return world

    async def follow(self, before: World, after: World) -> None:
        """Repeat in the database what changed in the world."""
        await self.clock.show(after.now)
        for flag, statement in SYSTEM_FLAGS.items():
            if getattr(before, flag) != getattr(after, flag):
                await self.observer.connection.execute(statement, getattr(after, flag))
        if (before.service, before.retired) != (after.service, after.retired):
            await self.declare(after)
        if (before.status, before.since) != (after.status, after.since):
            await record(self.database, after.status, after.service.path)
        if before.tickets != after.tickets:
            await self.write(after.tickets[-1][-1], after.service.path)

    async def declare(self, world: World) -> None:
        """Declare the service of the world."""
        resource = Resource.of(Kind.SERVICE, world.service.path, world.service)
        await put_resources(self.database, [replace(resource, retired=world.retired)])

    async def write(self, entry: Entry, path: str) -> None:
        """Append an entry by a user to the history of the latest ticket of a service."""
        latest = (await outage_tickets(self.database, path))[-1]
        change = Change(entry.kind, entry.old_value, entry.new_value, entry.details)
        actor = USERS.get(entry.actor, Actor(entry.actor, entry.actor))
        async with self.database.transaction() as session:
            row = await session.row(LOCKED_TICKET.of_all, ticket=latest.id)
            assert row is not None
            entries = build_entries(ticket_of(row), [change], actor, row["now"], row["revision"])
            await append_entries(session, ticket_of(row), row["head_digest"], entries)


def comparable(entries: list[Entry] | tuple[Entry, ...]) -> list[Entry]:
    """Return a history without the values that only the database has."""
    return [
        replace(
            each,
            ticket="",
            workflow_revision=0,
            details=None if each.kind is EntryKind.CREATED else each.details,
        )
        for each in entries
    ]


@asynccontextmanager
async def stage(owner_url: str, database_url: str) -> AsyncIterator[Stage]:
    async with open_observer(owner_url) as observer:
        clock = await DatabaseClock.install(observer)
        async with open_database(database_url, 2) as database:
            await clock.show(World().now)
            await put_resources(database, [Resource.of(Kind.WORKFLOW, EMERGENCY.name, EMERGENCY)])
            yield Stage(database, observer, clock)


def test_the_database_follows_the_decision_table(owner_url: str, database_url: str) -> None:
    numbers = count()

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(STEPS)
    def play(steps: Steps) -> None:
        runner.run(opened.play(f"acme/service{next(numbers)}", steps))

    with asyncio.Runner() as runner:
        opening = stage(owner_url, database_url)
        opened = runner.run(opening.__aenter__())
        try:
            play()
        finally:
            runner.run(opening.__aexit__(None, None, None))
