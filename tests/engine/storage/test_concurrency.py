"""Everything at once, everything interrupted: each interleaving is forced, none is hoped for."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from engine.errors import (
    Forbidden,
    ForbiddenTransition,
    IdempotencyConflict,
    Unavailable,
    VersionConflict,
    WorkflowRetired,
)
from engine.storage.database import Database, open_database
from engine.storage.history_audit import audit_histories
from engine.storage.schema import MIGRATION_LOCK, migrate
from engine.storage.ticket_reads import histories, read_ticket, tickets_page
from engine.storage.ticket_store import TicketStore
from engine.storage.workflow_store import WorkflowStore
from engine.tickets.audit import Flaw
from engine.tickets.requests import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.ticket import Ticket
from engine.vocabulary import Status
from engine.workflows.declaration import Workflow
from engine.workflows.defaults import default_workflows
from tests.engine.storage.gates import AT_COMMIT, BEFORE_INSERT, Observer, observing
from tests.people import ANNA, MARTON

PICKED_UP = Status.IN_PROGRESS
HOLD_TICKETS = "LOCK TABLE tickets IN EXCLUSIVE MODE"


@pytest.fixture
async def observer(database_url: str) -> AsyncIterator[Observer]:
    async with observing(database_url) as looking_on:
        yield looking_on


async def open_ticket(store: TicketStore, **values: object) -> Ticket:
    """Open an incident of Anna's that Marton works on."""
    incident = {"title": "Payments fail", "workflow": "incident_response", "assignee": MARTON.id}
    return await store.create(ANNA, CreateTicket.checked(**incident | values))


async def pick_up(store: TicketStore, ticket: Ticket, **values: object) -> Ticket:
    form = TransitionTicket.checked(ticket=ticket.id, to=PICKED_UP, **values)
    return await store.transition(MARTON, form)


async def comment(store: TicketStore, ticket: Ticket, **values: object) -> Ticket:
    form = CommentTicket.checked(ticket=ticket.id, text="Looking", **values)
    return await store.comment(MARTON, form)


async def hand_over(store: TicketStore, ticket: Ticket, **values: object) -> Ticket:
    form = AssignTicket.checked(ticket=ticket.id, assignee="u_new", **values)
    return await store.assign(MARTON, form)


async def edit(store: TicketStore, ticket: Ticket, **values: object) -> Ticket:
    form = UpdateTicket.checked(ticket=ticket.id, title="Cards fail", priority="LOW", **values)
    return await store.update(MARTON, form)


async def open_another(store: TicketStore, _ticket: Ticket, **values: object) -> Ticket:
    form = CreateTicket.checked(title="Another", workflow="incident_response", **values)
    return await store.create(MARTON, form)


Change = Callable[..., Coroutine[Any, Any, Ticket]]


async def flaws(database: Database) -> list[Flaw]:
    return [flaw async for _, flaw in audit_histories(database) if flaw]


async def everything(database: Database) -> dict[str, int]:
    """Return every ticket's version, having looked that all histories are whole."""
    assert await flaws(database) == []
    page = await tickets_page(database, 100, None)
    return {each.id: each.version for each in page.tickets}


def narrowed() -> Workflow:
    """Return incident_response, in which nothing is allowed any more."""
    (workflow,) = (each for each in default_workflows() if each.name == "incident_response")
    return workflow.model_copy(update={"transitions": ()})


async def publish_narrowed(database: Database) -> list[str]:
    return await WorkflowStore(database).publish([narrowed()], by="u_a0", source="tests")


KEYED: dict[str, dict[str, object]] = {"without a key": {}, "under a key": {"idempotency_key": "k"}}
with_and_without_a_key = pytest.mark.parametrize("key", KEYED.values(), ids=KEYED)


# Workflows change while tickets do.


@with_and_without_a_key
@pytest.mark.parametrize("times_before", [0, 8], ids=["at first", "prepared long ago"])
async def test_a_transition_that_waited_for_a_publish_is_judged_by_the_new_policy(
    store: TicketStore,
    database: Database,
    observer: Observer,
    key: dict[str, object],
    times_before: int,
) -> None:
    for n in range(times_before):
        earlier = {"idempotency_key": f"k{n}"} if key else {}
        await pick_up(store, await open_ticket(store), **earlier)
    ticket = await open_ticket(store)
    async with observer.closed_gate("workflow_revisions"):
        publishing = asyncio.create_task(publish_narrowed(database))
        await observer.see_waiting(1)
        moving = asyncio.create_task(pick_up(store, ticket, **key))
        await observer.see_waiting(2)
    assert await publishing == ["incident_response"]
    with pytest.raises(ForbiddenTransition) as refused:
        await moving
    assert refused.value.details["reason"] == "no_such_transition"
    assert await read_ticket(database, ticket.id) == ticket


@pytest.mark.parametrize("change", [comment, hand_over, edit, open_another])
@with_and_without_a_key
async def test_a_change_that_waited_for_a_publish_is_recorded_under_its_revision(
    store: TicketStore,
    database: Database,
    observer: Observer,
    change: Change,
    key: dict[str, object],
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("workflow_revisions"):
        publishing = asyncio.create_task(publish_narrowed(database))
        await observer.see_waiting(1)
        changing = asyncio.create_task(change(store, ticket, **key))
        await observer.see_waiting(2)
    await publishing
    changed = await changing
    latest = (await histories(database, [changed.id]))[changed.id][-1]
    in_force = await observer.connection.fetchval(
        "SELECT revision FROM workflows WHERE name = 'incident_response'"
    )
    assert latest.workflow_revision == in_force
    assert await flaws(database) == []


async def test_a_publish_waits_for_changes_under_way_and_goes_before_later_ones(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    first, second = await open_ticket(store), await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        under_way = asyncio.create_task(pick_up(store, first))
        await observer.see_waiting(1)
        publishing = asyncio.create_task(publish_narrowed(database))
        await observer.see_waiting(2)
        later = asyncio.create_task(pick_up(store, second))
        await observer.see_waiting(3)
    assert (await under_way).status is PICKED_UP
    await publishing
    with pytest.raises(ForbiddenTransition):
        await later
    opened, moved = (await histories(database, [first.id]))[first.id]
    assert moved.workflow_revision == opened.workflow_revision
    assert await everything(database) == {first.id: 2, second.id: 1}


@with_and_without_a_key
async def test_no_ticket_slips_into_a_workflow_that_was_just_retired(
    store: TicketStore, database: Database, observer: Observer, key: dict[str, object]
) -> None:
    async with observer.holding(HOLD_TICKETS, "UPDATE workflows SET retired_at = now()"):
        opening = asyncio.create_task(open_ticket(store, **key))
        await observer.see_waiting(1)
    with pytest.raises(WorkflowRetired):
        await opening
    assert await everything(database) == {}


async def test_a_workflow_is_retired_after_the_tickets_that_were_being_opened(
    store: TicketStore, database: Database, observer: Observer, database_url: str
) -> None:
    async def tickets_seen_when_retiring() -> int:
        async with observing(database_url) as other, other.holding(HOLD_TICKETS):
            seen: int = await other.connection.fetchval("SELECT count(*) FROM tickets")
            return seen

    async with observer.closed_gate("ticket_status_history"):
        opening = asyncio.create_task(open_ticket(store))
        await observer.see_waiting(1)
        retiring = asyncio.create_task(tickets_seen_when_retiring())
        await observer.see_waiting(2)
    ticket = await opening
    assert await retiring == 1
    assert await everything(database) == {ticket.id: 1}


async def test_of_two_publishes_of_one_thing_the_second_has_nothing_to_do(
    database: Database, observer: Observer
) -> None:
    async with observer.closed_gate("workflow_revisions"):
        first = asyncio.create_task(publish_narrowed(database))
        await observer.see_waiting(1)
        second = asyncio.create_task(publish_narrowed(database))
        await observer.see_waiting(2)
    assert (await first, await second) == (["incident_response"], [])


async def test_a_publish_of_what_is_in_force_waits_for_nobody(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        moving = asyncio.create_task(pick_up(store, ticket))
        await observer.see_waiting(1)
        in_force = default_workflows()
        assert await WorkflowStore(database).publish(in_force, by="u_a0", source="tests") == []
    await moving


# Changes of one ticket meet.


@with_and_without_a_key
async def test_a_transition_stands_on_the_change_that_it_waited_for(
    store: TicketStore, database: Database, observer: Observer, key: dict[str, object]
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        commenting = asyncio.create_task(comment(store, ticket))
        await observer.see_waiting(1)
        moving = asyncio.create_task(pick_up(store, ticket, **key))
        await observer.see_waiting(2)
    assert ((await commenting).version, (await moving).version) == (2, 3)
    assert await moving == await read_ticket(database, ticket.id)
    assert await everything(database) == {ticket.id: 3}


@with_and_without_a_key
async def test_a_version_is_compared_after_the_wait(
    store: TicketStore, database: Database, observer: Observer, key: dict[str, object]
) -> None:
    ticket = await open_ticket(store)
    late = {"expected_version": 1, **key}
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        first = asyncio.create_task(comment(store, ticket))
        await observer.see_waiting(1)
        moving = asyncio.create_task(pick_up(store, ticket, **late))
        await observer.see_waiting(2)
        commenting = asyncio.create_task(comment(store, ticket, expected_version=1))
        await observer.see_waiting(3)
    await first
    for refused in await asyncio.gather(moving, commenting, return_exceptions=True):
        assert isinstance(refused, VersionConflict)
        assert refused.details["current_version"] == 2
    assert await everything(database) == {ticket.id: 2}


async def test_a_role_is_judged_after_the_wait(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history", AT_COMMIT):
        handing_over = asyncio.create_task(hand_over(store, ticket))
        await observer.see_waiting(1)
        moving = asyncio.create_task(pick_up(store, ticket))
        await observer.see_waiting(2)
        assigning = asyncio.create_task(hand_over(store, ticket))
        await observer.see_waiting(3)
    await handing_over
    moved, assigned = await asyncio.gather(moving, assigning, return_exceptions=True)
    assert isinstance(moved, ForbiddenTransition)
    assert (moved.details["reason"], moved.details["as"]) == ("role_required", [])
    assert isinstance(assigned, Forbidden)
    assert await everything(database) == {ticket.id: 2}


async def test_a_refusal_tells_the_status_after_the_wait(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        first = asyncio.create_task(pick_up(store, ticket))
        await observer.see_waiting(1)
        second = asyncio.create_task(pick_up(store, ticket))
        await observer.see_waiting(2)
    assert (await first).version == 2
    with pytest.raises(ForbiddenTransition) as refused:
        await second
    assert (refused.value.details["from"], refused.value.details["to"]) == (PICKED_UP, PICKED_UP)
    assert await everything(database) == {ticket.id: 2}


async def test_two_tickets_of_people_never_seen_open_without_a_deadlock(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    """Each mentions both people, in the order of one as requester and the other as assignee."""
    to_marton = CreateTicket.checked(title="A", workflow="change_request", assignee=MARTON.id)
    to_anna = CreateTicket.checked(title="B", workflow="change_request", assignee=ANNA.id)
    async with observer.holding("INSERT INTO users (id) VALUES ('u_b1')"):
        opening = [
            asyncio.create_task(store.create(ANNA, to_marton)),
            asyncio.create_task(store.create(MARTON, to_anna)),
        ]
        await observer.see_waiting(2)
    assert len({(await each).id for each in opening}) == 2
    assert await flaws(database) == []


# Requests under one key meet.

CHANGES: dict[str, Change] = {
    "transition": pick_up,
    "comment": comment,
    "assign": hand_over,
    "update": edit,
    "create": open_another,
}
every_change = pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)


@every_change
async def test_a_request_that_waited_for_itself_answers_the_same(
    store: TicketStore, database: Database, observer: Observer, change: Change
) -> None:
    ticket = await open_ticket(store)
    expected = {} if change is open_another else {"expected_version": 1}
    async with observer.closed_gate("ticket_status_history"):
        first = asyncio.create_task(change(store, ticket, idempotency_key="k", **expected))
        await observer.see_waiting(1)
        again = asyncio.create_task(change(store, ticket, idempotency_key="k", **expected))
        await observer.see_waiting(2)
    assert await first == await again
    assert await everything(database) == {ticket.id: 1} | {(await first).id: (await first).version}


@every_change
async def test_a_request_that_waited_for_a_failure_is_carried_out(
    store: TicketStore, database: Database, observer: Observer, change: Change
) -> None:
    ticket = await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        first = asyncio.create_task(change(store, ticket, idempotency_key="k"))
        (failing,) = await observer.see_waiting(1)
        again = asyncio.create_task(change(store, ticket, idempotency_key="k"))
        await observer.see_waiting(2)
        await observer.connection.execute("SELECT pg_cancel_backend($1)", failing)
        with pytest.raises(Unavailable):
            await first
    changed = await again
    assert await everything(database) == {ticket.id: 1} | {changed.id: changed.version}


@every_change
async def test_a_key_that_is_being_used_for_another_ticket_is_a_conflict(
    store: TicketStore, database: Database, observer: Observer, change: Change
) -> None:
    ticket, other = await open_ticket(store), await open_ticket(store)
    async with observer.closed_gate("ticket_status_history"):
        first = asyncio.create_task(comment(store, other, idempotency_key="k"))
        await observer.see_waiting(1)
        second = asyncio.create_task(change(store, ticket, idempotency_key="k"))
        await observer.see_waiting(2)
    assert (await first).version == 2
    with pytest.raises(IdempotencyConflict):
        await second
    assert await everything(database) == {ticket.id: 1, other.id: 2}


@pytest.mark.parametrize("first", [pick_up, comment])
@pytest.mark.parametrize("second", [pick_up, comment])
async def test_one_key_for_two_requests_of_one_ticket_is_a_conflict_and_no_deadlock(
    store: TicketStore, database: Database, observer: Observer, first: Change, second: Change
) -> None:
    ticket = await open_ticket(store)
    async with observer.holding(f"SELECT FROM tickets WHERE id = '{ticket.id}' FOR UPDATE"):
        early = asyncio.create_task(first(store, ticket, idempotency_key="k"))
        await observer.see_waiting(1)
        late = asyncio.create_task(second(store, ticket, idempotency_key="k", expected_version=1))
        await observer.see_waiting(2)
    assert (await early).version == 2
    with pytest.raises(IdempotencyConflict):
        await late
    assert await everything(database) == {ticket.id: 2}


@pytest.mark.parametrize("first", [pick_up, comment])
@pytest.mark.parametrize("second", [pick_up, comment])
async def test_two_keys_crossing_on_two_tickets_are_no_deadlock(
    store: TicketStore, database: Database, observer: Observer, first: Change, second: Change
) -> None:
    one, two = await open_ticket(store), await open_ticket(store)
    requests = [(first, one, "k1"), (first, two, "k2"), (second, one, "k2"), (second, two, "k1")]
    async with observer.holding("SELECT FROM tickets FOR UPDATE"):
        tasks: list[asyncio.Task[Ticket]] = []
        for change, ticket, key in requests:
            under_key = {"idempotency_key": key, "expected_version": 1}
            tasks.append(asyncio.create_task(change(store, ticket, **under_key)))
            await observer.see_waiting(len(tasks))
    answers = await asyncio.gather(*tasks, return_exceptions=True)
    assert [type(each) for each in answers[:2]] == [Ticket, Ticket]
    for refused in answers[2:]:
        assert isinstance(refused, IdempotencyConflict | VersionConflict)
    assert await everything(database) == {one.id: 2, two.id: 2}


async def test_an_edit_of_nothing_under_a_key_answers_the_same_for_ever(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    nothing = UpdateTicket.checked(ticket=ticket.id, title=ticket.title, idempotency_key="k")
    assert await store.update(MARTON, nothing) == ticket
    await comment(store, ticket)
    assert await store.update(MARTON, nothing) == ticket
    assert await everything(database) == {ticket.id: 2}


# Whoever asks is interrupted.

Interruption = Callable[[Observer, "asyncio.Task[Ticket]", int], Awaitable[object]]


async def cancel_task(_observer: Observer, task: "asyncio.Task[Ticket]", _pid: int) -> None:
    task.cancel()


async def cancel_statement(observer: Observer, _task: "asyncio.Task[Ticket]", pid: int) -> None:
    await observer.connection.execute("SELECT pg_cancel_backend($1)", pid)


async def terminate_backend(observer: Observer, _task: "asyncio.Task[Ticket]", pid: int) -> None:
    await observer.connection.execute("SELECT pg_terminate_backend($1)", pid)


PLACES = {
    "before its entry": ("ticket_status_history", BEFORE_INSERT),
    "before its key": ("idempotency_keys", BEFORE_INSERT),
    "within the commit": ("ticket_status_history", AT_COMMIT),
}


@pytest.mark.parametrize("interrupt", [cancel_task, cancel_statement, terminate_backend])
@pytest.mark.parametrize("place", PLACES.values(), ids=PLACES)
@pytest.mark.parametrize("change", [pick_up, edit, open_another])
async def test_an_interrupted_change_did_not_happen_and_can_be_asked_for_again(
    store: TicketStore,
    database: Database,
    database_url: str,
    observer: Observer,
    change: Change,
    place: tuple[str, str],
    interrupt: Interruption,
) -> None:
    ticket = await open_ticket(store)
    async with open_database(database_url, 1) as only_connection:
        narrow = TicketStore(only_connection)
        async with observer.closed_gate(*place):
            changing = asyncio.create_task(change(narrow, ticket, idempotency_key="k"))
            (pid,) = await observer.see_waiting(1)
            await interrupt(observer, changing, pid)
            with pytest.raises((asyncio.CancelledError, Unavailable)):
                await changing
            await observer.see_nobody_at_work()
        assert await everything(database) == {ticket.id: 1}
        changed = await change(narrow, ticket, idempotency_key="k")
        assert await everything(database) == {ticket.id: 1} | {changed.id: changed.version}


@every_change
async def test_a_change_that_is_cancelled_at_any_moment_happens_once_under_its_key(
    store: TicketStore, database: Database, database_url: str, observer: Observer, change: Change
) -> None:
    """Nor does a connection go back to the others with half a transaction on it."""
    async with open_database(database_url, 1) as only_connection:
        narrow = TicketStore(only_connection)
        for turns in range(25):
            ticket = await open_ticket(store)
            key = f"k{turns}"
            changing = asyncio.create_task(change(narrow, ticket, idempotency_key=key))
            for _ in range(turns):
                await asyncio.sleep(0)
            changing.cancel()
            await asyncio.gather(changing, return_exceptions=True)
            changed = await change(narrow, ticket, idempotency_key=key)
            assert await read_ticket(database, changed.id) == changed
            assert changed.version - (changed.id == ticket.id) in {1, 2}
            await observer.see_nobody_at_work()
    assert await flaws(database) == []


async def test_a_statement_that_takes_too_long_changes_nothing(
    store: TicketStore, database: Database, database_url: str, observer: Observer
) -> None:
    ticket = await open_ticket(store)
    name = await observer.connection.fetchval("SELECT current_database()")
    await observer.connection.execute(f"ALTER DATABASE {name} SET statement_timeout = '50ms'")
    async with open_database(database_url, 1) as impatient:
        async with observer.holding(f"SELECT FROM tickets WHERE id = '{ticket.id}' FOR UPDATE"):
            for change in (pick_up, comment):
                with pytest.raises(Unavailable):
                    await change(TicketStore(impatient), ticket, idempotency_key="k")
        assert await everything(database) == {ticket.id: 1}
        assert (await pick_up(TicketStore(impatient), ticket, idempotency_key="k")).version == 2


async def test_who_gives_up_waiting_for_a_connection_takes_none_along(
    store: TicketStore, database_url: str
) -> None:
    ticket = await open_ticket(store)
    async with open_database(database_url, 1) as only_connection:
        narrow = TicketStore(only_connection)
        async with only_connection.transaction():
            waiting = [asyncio.create_task(comment(narrow, ticket)) for _ in range(3)]
            await asyncio.sleep(0)
            waiting[1].cancel()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
    assert [type(each) for each in answers] == [Ticket, asyncio.CancelledError, Ticket]


async def test_more_requests_than_connections_are_answered_one_after_the_other(
    store: TicketStore, database: Database, database_url: str
) -> None:
    """Nobody holds a connection while waiting for another, replays included."""
    ticket = await open_ticket(store)
    async with open_database(database_url, 2) as narrow:
        answers = await asyncio.gather(
            *(
                change(TicketStore(narrow), ticket, idempotency_key=f"{change.__name__}{n % 4}")
                for n in range(20)
                for change in (comment, open_another)
            )
        )
    assert len({(each.id, each.version) for each in answers}) == 4 + 4
    assert len(await everything(database)) == 1 + 4


async def test_a_migration_that_is_given_up_leaves_no_connection_behind(
    database_url: str, observer: Observer
) -> None:
    async with observer.holding(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})"):
        migrating = asyncio.create_task(migrate(database_url))
        await observer.see_waiting(1)
        migrating.cancel()
        with pytest.raises(asyncio.CancelledError):
            await migrating
        await observer.see(0, "backend_type = 'client backend'")


# The clock of the database runs backwards.

CLOCK = (
    "CREATE TABLE clock (at timestamptz)",
    "INSERT INTO clock VALUES ('2030-01-01 12:00Z')",
    "CREATE FUNCTION clock_timestamp() RETURNS timestamptz LANGUAGE sql AS 'SELECT at FROM clock'",
)
"""It stands where the statements look first, before the built-in one."""


async def test_a_clock_that_runs_backwards_does_not_take_the_history_along(
    database: Database, database_url: str, observer: Observer
) -> None:
    for statement in CLOCK:
        await observer.connection.execute(statement)
    name = await observer.connection.fetchval("SELECT current_database()")
    await observer.connection.execute(f"ALTER DATABASE {name} SET search_path = public, pg_catalog")
    noon = datetime(2030, 1, 1, 12, tzinfo=UTC)
    async with open_database(database_url, 1) as with_this_clock:
        store = TicketStore(with_this_clock)
        ticket = await open_ticket(store)
        for change in (comment, pick_up, edit):
            await observer.connection.execute("UPDATE clock SET at = at - interval '1 hour'")
            await change(store, ticket)
        await observer.connection.execute("UPDATE clock SET at = at + interval '4 hours'")
        await comment(store, ticket)
    entries = (await histories(database, [ticket.id]))[ticket.id]
    assert [each.at for each in entries] == [noon] * 5 + [noon + timedelta(hours=1)]
    assert await flaws(database) == []
