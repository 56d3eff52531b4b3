"""A ticket or a workflow that cannot be processed does not stop the work on others."""

from collections.abc import Awaitable, Callable, Coroutine
from datetime import datetime

import asyncpg
import pytest

from engine.errors import Misconfigured
from engine.storage.postgres.database import Database
from engine.storage.sla import batch
from engine.storage.sla.auto_close import close_resolved_tickets
from engine.storage.sla.breaches import sweep_due_times
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Status
from tests.support.databases import SERVER_ROLE
from tests.support.declared_resources import declare
from tests.support.stored_sla import (
    PICKED_UP,
    RESOLVED,
    later,
    open_ticket_with_sla,
    transition,
)

TICKETS, MOST = 9, 4


async def open_and_late(store: TicketStore) -> Ticket:
    return await open_ticket_with_sla(store)


async def resolved_long_ago(store: TicketStore) -> Ticket:
    return await transition(store, await open_ticket_with_sla(store), PICKED_UP, RESOLVED)


Job = Callable[[Database, datetime, int], Coroutine[None, None, int]]
WORK: dict[str, tuple[Job, Callable[[TicketStore], Awaitable[Ticket]]]] = {
    "breaches": (sweep_due_times, open_and_late),
    "grace periods": (close_resolved_tickets, resolved_long_ago),
}


async def corrupt_history(owner: asyncpg.Connection, ticket: Ticket) -> None:
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(
        "UPDATE ticket_status_history SET details = '[1]' WHERE ticket = $1 AND seq = 1", ticket.id
    )


async def refuse_entries(owner: asyncpg.Connection, ticket: Ticket) -> None:
    name = f"refuse_{ticket.id}"
    await owner.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS"
        f" 'BEGIN RAISE data_exception; END';"
        f" CREATE TRIGGER {name} BEFORE INSERT ON ticket_status_history FOR EACH ROW"
        f" WHEN (NEW.ticket = '{ticket.id}') EXECUTE FUNCTION {name}()"
    )


FAULTS = {"a corrupt history": corrupt_history, "a refused entry": refuse_entries}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
@pytest.mark.parametrize(("job", "prepare"), WORK.values(), ids=WORK)
async def test_tickets_that_fail_are_named_and_all_others_are_processed(
    store: TicketStore,
    database: Database,
    owner: asyncpg.Connection,
    job: Job,
    prepare: Callable[[TicketStore], Awaitable[Ticket]],
    fault: Callable[[asyncpg.Connection, Ticket], Awaitable[None]],
) -> None:
    tickets = [await prepare(store) for _ in range(TICKETS)]
    failing = [tickets[0], tickets[5]]
    for each in failing:
        await fault(owner, each)
    versions = {each.id: each.version for each in tickets}
    with pytest.raises(ExceptionGroup) as failed:
        await job(database, later(tickets[-1], days=9), MOST)
    notes = [note for each in failed.value.exceptions for note in each.__notes__]
    assert set(notes) == {f"The ticket is {each.id}." for each in failing}
    after = [await read_ticket(database, SYSTEM_VIEWER, each.id) for each in tickets]
    assert [each.id for each in after if each.version == versions[each.id]] == [
        each.id for each in failing
    ]


async def test_a_fault_of_many_tickets_ends_the_run(
    store: TicketStore,
    database: Database,
    owner: asyncpg.Connection,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(batch, "FAILED_TICKETS_MAX", 2)
    tickets = [await open_ticket_with_sla(store) for _ in range(TICKETS)]
    for each in tickets:
        await refuse_entries(owner, each)
    with pytest.raises(ExceptionGroup) as failed:
        await sweep_due_times(database, later(tickets[-1], days=9), MOST)
    assert len(failed.value.exceptions) == 2


async def test_a_fault_of_the_database_is_no_fault_of_a_ticket(
    store: TicketStore, database: Database, owner: asyncpg.Connection
) -> None:
    ticket = await open_ticket_with_sla(store)
    await owner.execute(f"REVOKE INSERT ON ticket_status_history FROM {SERVER_ROLE}")
    with pytest.raises(Misconfigured):
        await sweep_due_times(database, later(ticket, days=9))


INVALID = {
    "of one workflow": (
        "UPDATE workflows SET auto_close = 'soon' WHERE name = 'own'",
        "'soon' of the workflow own must be a duration",
        [Status.RESOLVED, Status.CLOSED],
    ),
    "by default": (
        """UPDATE settings SET declaration = '{"afterResolved": "soon"}'
        WHERE name = 'autoClose'""",
        "The stored setting autoClose is invalid.",
        [Status.CLOSED, Status.RESOLVED],
    ),
}


@pytest.mark.parametrize(("change", "message", "statuses"), INVALID.values(), ids=INVALID)
async def test_an_invalid_grace_period_closes_no_ticket_and_stops_no_other_workflow(
    store: TicketStore,
    database: Database,
    owner: asyncpg.Connection,
    change: str,
    message: str,
    statuses: list[Status],
) -> None:
    closable = [
        {"from": "OPEN", "to": "IN_PROGRESS", "role": "any"},
        {"from": "IN_PROGRESS", "to": "RESOLVED", "role": "any"},
        {"from": "RESOLVED", "to": "CLOSED", "role": "any"},
    ]
    workflows = [
        {
            "name": "own",
            "displayName": "Own",
            "transitions": closable,
            "autoClose": {"afterResolved": "1d"},
        },
        {"name": "default", "displayName": "Default", "transitions": closable},
    ]
    await declare(database, workflows=workflows)
    tickets = [
        await transition(
            store, await open_ticket_with_sla(store, workflow=name), PICKED_UP, RESOLVED
        )
        for name in ("own", "default")
    ]
    await owner.execute(change)
    with pytest.raises(ExceptionGroup) as failed:
        await close_resolved_tickets(database, later(tickets[-1], days=9))
    [error] = failed.value.exceptions
    assert message in "\n".join([str(error), *getattr(error, "__notes__", [])])
    assert [(await read_ticket(database, SYSTEM_VIEWER, each.id)).status for each in tickets] == (
        statuses
    )
