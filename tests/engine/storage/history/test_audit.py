"""A history cannot be changed, and the audit finds tampering."""

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest

from engine.errors import ForbiddenTransition
from engine.storage.history.audit import count_tickets
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import (
    AssignTicket,
    CommentTicket,
    CreateTicket,
    TransitionTicket,
    UpdateTicket,
)
from engine.tickets.ticket import Ticket, rebuild_ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Status
from tests.support.concurrent_changes import flaws
from tests.support.personas import ANNA, MARTON

AWKWARD = "\"quotes\", \\ and / and \t tab,\r\n lines, é, \U0001f525, \u2028, null, 'NULL', {}"


async def open_ticket(store: TicketStore, title: str = "Printer") -> Ticket:
    command = CreateTicket.parse(
        title=title, description=AWKWARD, workflow="service_request", assignee=ANNA.id
    )
    return await store.create(ANNA, command)


async def ticket_with_history(store: TicketStore) -> Ticket:
    ticket = await open_ticket(store)
    await store.comment(MARTON, CommentTicket.parse(ticket=ticket.id, text=AWKWARD))
    command = UpdateTicket.parse(ticket=ticket.id, description="", priority="LOW")
    await store.update(ANNA, command)
    transition = TransitionTicket.parse(ticket=ticket.id, to=Status.IN_PROGRESS)
    return await store.transition(ANNA, transition)


@pytest.mark.parametrize("table", ["ticket_status_history", "workflow_revisions"])
@pytest.mark.parametrize(
    "change",
    [
        "UPDATE {} SET digest = ''",
        "UPDATE {} SET digest = digest WHERE false",
        "DELETE FROM {}",
        "TRUNCATE {}",
        "TRUNCATE {} CASCADE",
    ],
)
async def test_recorded_rows_cannot_be_changed(
    store: TicketStore, database: Database, owner: asyncpg.Connection, table: str, change: str
) -> None:
    await ticket_with_history(store)
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await owner.execute(change.format(table))
    async with database.pool.acquire() as connection:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(change.format(table))


async def test_truncating_tickets_does_not_remove_their_histories(
    store: TicketStore, owner: asyncpg.Connection
) -> None:
    await ticket_with_history(store)
    with pytest.raises(asyncpg.RestrictViolationError):
        await owner.execute("TRUNCATE tickets CASCADE")
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await owner.execute("DELETE FROM tickets")


async def test_a_ticket_can_be_rebuilt_from_its_history(
    store: TicketStore, database: Database
) -> None:
    ticket = await ticket_with_history(store)
    assert rebuild_ticket((await read_histories(database, [ticket.id]))[ticket.id]) == ticket
    assert await flaws(database) == []
    assert await count_tickets(database) == 1


INSERTED = (
    "INSERT INTO h SELECT ticket, 6, at, actor, kind, old_value, new_value, actor_bits,"
    " workflow_revision, details, digest FROM h WHERE seq = 2"
)
TAMPERING = {
    "another actor": ("UPDATE h SET actor = 'u_z9' WHERE seq = 3", 3, "digest"),
    "another value": ("UPDATE h SET new_value = 'x' WHERE seq = 2", 2, "digest"),
    "another time": ("UPDATE h SET at = at + '1 microsecond' WHERE seq = 4", 4, "digest"),
    "other bits": ("UPDATE h SET actor_bits = 7 WHERE seq = 5", 5, "digest"),
    "another revision": ("UPDATE h SET workflow_revision = 0 WHERE seq = 1", 1, "digest"),
    "other details": ("UPDATE h SET details = '{}' WHERE seq = 1", 1, "digest"),
    "another digest": ("UPDATE h SET digest = sha256('x') WHERE seq = 5", 5, "digest"),
    "an entry removed": ("DELETE FROM h WHERE seq = 3", 3, "missing"),
    "the first entry removed": ("DELETE FROM h WHERE seq = 1", 1, "missing"),
    "the last entry removed": ("DELETE FROM h WHERE seq = 5", 5, "ends here"),
    "all entries removed": ("DELETE FROM h", 1, "ends here"),
    "an entry added": (INSERTED, 6, "digest"),
    "the ticket's status": (
        "UPDATE tickets SET status = 'CLOSED'",
        6,
        "status of the ticket is 'CLOSED'",
    ),
    "the ticket's title": ("UPDATE tickets SET title = 'x'", 6, "title of the ticket is 'x'"),
    "the ticket's head": ("UPDATE tickets SET head_digest = ''", 6, "head"),
    "the ticket's version": ("UPDATE tickets SET version = 4", 5, "continues after version 4"),
}


@pytest.mark.parametrize(("change", "seq", "words"), TAMPERING.values(), ids=TAMPERING)
async def test_tampering_is_found(
    store: TicketStore,
    database: Database,
    owner: asyncpg.Connection,
    change: str,
    seq: int,
    words: str,
) -> None:
    await open_ticket(store, "Before")
    ticket = await ticket_with_history(store)
    this_ticket = f" ticket = '{ticket.id}'" if "tickets" not in change else f" id = '{ticket.id}'"
    statement = change + (" AND" if "WHERE" in change else " WHERE") + this_ticket
    await owner.execute("SET session_replication_role = replica")
    await owner.execute(statement.replace(" h ", " ticket_status_history "))
    found = await flaws(database)
    assert [(flaw.ticket, flaw.seq) for flaw in found] == [(ticket.id, seq)]
    assert words in found[0].message


async def test_a_history_without_its_ticket_is_found(
    store: TicketStore, database: Database, owner: asyncpg.Connection
) -> None:
    ids = [(await ticket_with_history(store)).id for _ in range(3)]
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("DELETE FROM tickets WHERE id <> $1", sorted(ids)[1])
    deleted = [each for each in sorted(ids) if each != sorted(ids)[1]]
    assert [(flaw.ticket, flaw.message) for flaw in await flaws(database)] == [
        (ticket, "there is no such ticket") for ticket in deleted
    ]


async def test_one_of_fifty_concurrent_transitions_succeeds(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    steps = [Status.IN_PROGRESS, Status.RESOLVED, Status.IN_PROGRESS, Status.RESOLVED]
    for to in [*steps, Status.CLOSED]:
        command = TransitionTicket.parse(ticket=ticket.id, to=to)
        attempts = await asyncio.gather(
            *(store.transition(ANNA, command) for _ in range(50)), return_exceptions=True
        )
        assert sum(isinstance(each, Ticket) for each in attempts) == 1
        assert sum(isinstance(each, ForbiddenTransition) for each in attempts) == 49
    after = await read_ticket(database, SYSTEM_VIEWER, ticket.id)
    assert (after.status, after.version) == (Status.CLOSED, 6)
    assert await flaws(database) == []


async def test_fifty_requests_with_one_key_are_executed_once(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    transition = TransitionTicket.parse(
        ticket=ticket.id, to=Status.IN_PROGRESS, idempotency_key="k1"
    )
    comment = CommentTicket.parse(ticket=ticket.id, text="Well", idempotency_key="k2")
    assign = AssignTicket.parse(ticket=ticket.id, assignee=MARTON.id, idempotency_key="k3")
    requests: list[Callable[[], Awaitable[Ticket]]] = [
        lambda: store.transition(ANNA, transition),
        lambda: store.comment(ANNA, comment),
        lambda: store.assign(ANNA, assign),
    ]
    for execute in requests:
        results = await asyncio.gather(*(execute() for _ in range(50)))
        assert len(set(results)) == 1
    after = await read_ticket(database, SYSTEM_VIEWER, ticket.id)
    assert after.version == 4
    assert await flaws(database) == []


async def test_concurrent_changes_of_all_kinds_keep_the_history_intact(
    store: TicketStore, database: Database
) -> None:
    ticket = await open_ticket(store)
    await asyncio.gather(
        *(
            change
            for n in range(20)
            for change in (
                store.comment(MARTON, CommentTicket.parse(ticket=ticket.id, text=f"{n}")),
                store.update(ANNA, UpdateTicket.parse(ticket=ticket.id, title=f"{n}")),
                store.transition(
                    ANNA, TransitionTicket.parse(ticket=ticket.id, to=Status.IN_PROGRESS)
                ),
            )
        ),
        return_exceptions=True,
    )
    after = await read_ticket(database, SYSTEM_VIEWER, ticket.id)
    assert (after.status, after.version) == (Status.IN_PROGRESS, 42)
    assert await flaws(database) == []
