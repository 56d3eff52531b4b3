"""Random declarations, tickets and outages, and what `system` does with them in an hour."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st
from sqlalchemy import select

from engine.declaration.models import Ticketing
from engine.resources.resource import Snapshot, declared_resources
from engine.storage.outages.reconcile_tickets import handle_service
from engine.storage.outages.waiting import handle_waiting_services
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.rows import entry_of
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import ticket_status_history, tickets
from engine.storage.sla.auto_close import close_resolved_tickets
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CommentTicket, CreateTicket, TransitionTicket
from engine.tickets.history import Entry, EntryKind
from engine.vocabulary import SYSTEM, Priority, ServiceStatus, Status
from reconciler.apply import ApplyRequest, reconcile
from reconciler.desired import Desired
from tests.support.database_clock import DatabaseClock
from tests.support.lock_gates import open_observer
from tests.support.monitored_services import record
from tests.support.personas import ANNA, MARTON
from tests.support.plans import EVERYTHING

NOON: Final = datetime(2030, 1, 1, 12, 0, tzinfo=UTC)
"""When the plan is made and applied."""
LIVE_FROM: Final = NOON - timedelta(hours=1)
"""When the live declaration is applied."""
STEPS: Final = tuple(NOON + timedelta(minutes=minutes) for minutes in range(0, 61, 5))
"""When the periodic jobs run: the last time is the end of the forecast."""

_CLOSABLE: Final = {
    ("OPEN", "IN_PROGRESS"): "assignee",
    ("IN_PROGRESS", "RESOLVED"): "assignee",
    ("RESOLVED", "CLOSED"): "requester",
}
_NOT_CLOSABLE: Final = {pair: role for pair, role in _CLOSABLE.items() if pair[1] != "CLOSED"}
_WORKFLOWS: Final = ("alpha", "beta")
_SERVICES: Final = ("acme/a", "acme/b", "acme/c")
_PERIODS: Final = ("1s", "20m", "3h", "3d", "never")
# Grace periods end six minutes before a multiple of ten minutes, hold-downs at such a multiple. So
# the jobs, which run every five minutes, find them in the order in which they end.
_AGES: Final = tuple(timedelta(minutes=minutes) for minutes in (18, 48, 78, 178, 4_328))


_MISSED_AT_ONCE: Final = {
    priority.value: {"response": "1s", "resolution": "2s"} for priority in Priority
}
"""SLA targets that every ticket would miss, if they applied to existing tickets."""


def _minutes(*choices: int) -> st.SearchStrategy[timedelta]:
    return st.sampled_from([timedelta(minutes=each) for each in choices])


@dataclass(frozen=True, slots=True)
class PastTicket:
    """A ticket of a user, up to noon.

    Attributes:
        age: the time since it was opened.
        path: the statuses to which it was moved, a minute after each other.

    """

    workflow: str
    priority: Priority
    has_targets: bool
    age: timedelta
    path: tuple[Status, ...]
    comments: bool


@dataclass(frozen=True, slots=True)
class PastOutage:
    """A service, up to noon.

    Attributes:
        earlier: the statuses that are reported and handled before the live declaration.
        touched: whether a user comments on the ticket after the first of them.
        now: the status that is reported under the live declaration.
        age: the time since that report.

    """

    path: str
    earlier: tuple[ServiceStatus, ...]
    touched: bool
    now: ServiceStatus
    age: timedelta


@dataclass(frozen=True, slots=True)
class ForecastWorld:
    """Two declarations, and what happened before the second one is planned.

    Attributes:
        live, desired: sections `ticketing:`.
        is_swept: whether the due times are updated before the plan is made.

    """

    live: dict[str, Any]
    desired: dict[str, Any]
    tickets: tuple[PastTicket, ...]
    outages: tuple[PastOutage, ...]
    is_swept: bool

    @property
    def desired_resources(self) -> Snapshot:
        """The resources of the second declaration."""
        return _resources(self.desired)


def _resources(ticketing: dict[str, Any]) -> Snapshot:
    return declared_resources(Ticketing.model_validate(ticketing))


def _workflow(name: str, transitions: dict[tuple[str, str], str], period: str | None) -> Any:  # noqa: ANN401  # JSON
    listed = [
        {"from": source, "to": target, "role": role}
        for (source, target), role in transitions.items()
    ]
    own = {} if period is None else {"autoClose": {"afterResolved": period}}
    return {"name": name, "transitions": listed} | own


def _declaration(
    enabled: bool,  # noqa: FBT001  # drawn by Hypothesis
    period: str,
    workflows: list[Any],
    services: list[Any],
    sla: dict[str, Any],
) -> dict[str, Any]:
    declared = {each["name"] for each in workflows}
    return {
        "enabled": enabled,
        "autoClose": {"afterResolved": period},
        "workflows": workflows,
        "services": [
            each | {"autoTicket": each["autoTicket"] and each["workflow"] in declared}
            for each in services
        ],
        "sla": sla,
    }


def _some(strategies: Sequence[st.SearchStrategy[Any]]) -> st.SearchStrategy[list[Any]]:
    """Draw from most of the strategies."""
    drawn = st.tuples(*(st.one_of(*[each] * 5, st.none()) for each in strategies))
    return drawn.map(lambda found: [each for each in found if each is not None])


_DECLARATIONS: Final = st.builds(
    _declaration,
    st.sampled_from([True, True, True, False]),
    st.sampled_from(_PERIODS),
    _some(
        [
            st.builds(
                _workflow,
                st.just(name),
                st.sampled_from([_CLOSABLE, _CLOSABLE, _NOT_CLOSABLE]),
                st.sampled_from([*[None] * 5, *_PERIODS]),
            )
            for name in _WORKFLOWS
        ]
    ),
    _some(
        [
            st.fixed_dictionaries(
                {
                    "path": st.just(path),
                    "slaGroup": st.just("team"),
                    "autoTicket": st.sampled_from([True, True, False]),
                    "workflow": st.sampled_from(_WORKFLOWS),
                    "holdDown": st.sampled_from(["0s", "20m", "40m", "2h"]),
                    "reopenWithin": st.sampled_from(["0s", "12h"]),
                }
            )
            for path in _SERVICES
        ]
    ),
    st.sampled_from([{}, _MISSED_AT_ONCE]),
)
_TICKETS: Final = st.builds(
    PastTicket,
    st.sampled_from(_WORKFLOWS),
    st.sampled_from(Priority),
    st.booleans(),
    st.sampled_from(_AGES),
    st.sampled_from([(), (Status.IN_PROGRESS,), *[(Status.IN_PROGRESS, Status.RESOLVED)] * 3]),
    st.booleans(),
)
_DOWN, _UP = ServiceStatus.DOWN, ServiceStatus.OPERATIONAL
_OUTAGES: Final = st.tuples(
    *(
        st.builds(
            PastOutage,
            st.just(path),
            st.sampled_from([(), (_DOWN,), *[(_DOWN, _UP)] * 2, (_DOWN, _UP, _DOWN)]),
            st.booleans(),
            st.sampled_from([*[_DOWN] * 4, *[_UP] * 3, ServiceStatus.DEGRADED]),
            _minutes(10, 30, 50),
        )
        for path in _SERVICES
    )
)
WORLDS: Final = st.builds(
    ForecastWorld,
    _DECLARATIONS,
    _DECLARATIONS,
    st.lists(_TICKETS, min_size=1, max_size=2).map(tuple),
    _OUTAGES,
    st.booleans(),
)
_EVERYTHING_ON: Final = _declaration(
    enabled=True,
    period="never",
    workflows=[_workflow(name, _CLOSABLE, None) for name in _WORKFLOWS],
    services=[
        {
            "path": path,
            "slaGroup": "team",
            "autoTicket": True,
            "workflow": _WORKFLOWS[0],
            "holdDown": "0s",
            "reopenWithin": "12h",
        }
        for path in _SERVICES
    ],
    sla={},
)
"""Under this declaration, tickets and outages come into being."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What `system` did to tickets, by their ids, and for which services it opened tickets."""

    closed: set[str] = field(default_factory=set)
    reopened: set[str] = field(default_factory=set)
    breached: set[str] = field(default_factory=set)
    commented: set[str] = field(default_factory=set)
    opened: set[str] = field(default_factory=set)
    service_of: Mapping[str, str] = field(default_factory=dict)

    @property
    def reopened_services(self) -> set[str]:
        """The services whose tickets were re-opened."""
        return {self.service_of[each] for each in self.reopened}

    @property
    def services(self) -> set[str]:
        """The services whose tickets were changed or opened."""
        changed = self.closed | self.reopened | self.commented
        return self.opened | {self.service_of[each] for each in changed & self.service_of.keys()}

    def add(self, entry: Entry) -> None:
        """Add the ticket of an entry by `system`."""
        match entry.kind, entry.new_value:
            case EntryKind.STATUS, Status.CLOSED:
                self.closed.add(entry.ticket)
            case EntryKind.STATUS, _:
                self.reopened.add(entry.ticket)
            case EntryKind.SLA_BREACH, _:
                self.breached.add(entry.ticket)
            case EntryKind.COMMENT, _:
                self.commented.add(entry.ticket)
            case _:
                raise AssertionError(entry)

    def without(self, other: "Outcome") -> "Outcome":
        """Return what happened here and not in another outcome."""
        return Outcome(
            self.closed - other.closed,
            self.reopened - other.reopened,
            self.breached - other.breached,
            self.commented - other.commented,
            self.opened - other.opened,
            self.service_of,
        )


_ALL_TICKETS: Final = Statement.of(select(tickets))
_ALL_ENTRIES: Final = Statement.of(select(ticket_status_history))


@dataclass(frozen=True, slots=True)
class Stage:
    """A database with a clock."""

    database: Database
    clock: DatabaseClock

    async def prepare(self, world: ForecastWorld) -> None:
        """Repeat what happened up to noon."""
        await self.declare(_resources(_EVERYTHING_ON))
        for ticket in world.tickets:
            await self._open_ticket(ticket)
        for outage in world.outages:
            await self._report_earlier(outage)
        await self.clock.show(LIVE_FROM)
        await self.declare(_resources(world.live))
        for outage in sorted(world.outages, key=lambda each: each.age, reverse=True):
            await self.clock.show(NOON - outage.age)
            await record(self.database, outage.now, outage.path)
            await handle_service(self.database, outage.path)
        await self.clock.show(NOON)
        await self.run_jobs(NOON, is_swept=world.is_swept)

    async def declare(self, resources: Snapshot) -> None:
        """Make resources live, whatever that does to tickets."""
        request = ApplyRequest("tests", EVERYTHING)
        await reconcile(self.database, Desired(resources), request, "tests")

    async def _open_ticket(self, past: PastTicket) -> None:
        store, at = TicketStore(self.database), NOON - past.age
        await self.clock.show(at)
        targets = {"sla": {"by_priority": True}} if past.has_targets else {}
        command = CreateTicket.parse(
            title="T",
            workflow=past.workflow,
            priority=past.priority,
            assignee=ANNA.id,
            **targets,
        )
        ticket = await store.create(ANNA, command)
        for to in past.path:
            await self.clock.show(at := at + timedelta(minutes=1))
            await store.transition(ANNA, TransitionTicket.parse(ticket=ticket.id, to=to))
        if past.comments:
            comment = CommentTicket.parse(ticket=ticket.id, text="Well")
            await store.comment(ANNA, comment)

    async def _report_earlier(self, past: PastOutage) -> None:
        at = NOON - timedelta(hours=10)
        for number, status in enumerate(past.earlier):
            await self.clock.show(at + timedelta(hours=number))
            await record(self.database, status, past.path)
            result = await handle_service(self.database, past.path)
            if number == 0 and past.touched:
                comment = CommentTicket.parse(ticket=result.ticket, text="Looking")
                await TicketStore(self.database).comment(MARTON, comment)

    async def run_jobs(self, at: datetime, *, is_swept: bool = True) -> None:
        """Run the periodic jobs once, in the order of how often they run."""
        await self.clock.show(at)
        if is_swept:
            await sweep_due_times(self.database, at)
        await handle_waiting_services(self.database)
        await close_resolved_tickets(self.database, at)

    async def run_an_hour(self) -> "Outcome":
        """Run the periodic jobs for an hour, and return the changes by `system`."""
        rows = await self.database.rows(_ALL_TICKETS)
        known = {row["id"]: row["version"] for row in rows}
        service_of = {row["id"]: row["service"] for row in rows if row["service"]}
        for at in STEPS:
            await self.run_jobs(at)
        outcome = Outcome(service_of=service_of)
        for row in await self.database.rows(_ALL_TICKETS):
            if row["id"] not in known:
                outcome.opened.add(row["service"])
        for row in await self.database.rows(_ALL_ENTRIES):
            entry = entry_of(row)
            if entry.ticket in known and entry.seq > known[entry.ticket]:
                assert entry.actor == SYSTEM
                outcome.add(entry)
        return outcome


@asynccontextmanager
async def open_stage(url: str, *, is_copy: bool = False) -> AsyncIterator[Stage]:
    """Open a database with a clock; a copy of a database with a clock has one already."""
    async with open_observer(url) as observer:
        clock = await (DatabaseClock.of_copy if is_copy else DatabaseClock.install)(observer)
        async with open_database(url, 2) as database:
            yield Stage(database, clock)
