"""The history can't be changed; and if somebody manages to, it is found."""

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
    form = CreateTicket.parse(
        title=title, description=AWKWARD, workflow="service_request", assignee=ANNA.id
    )
    return await store.create(ANNA, form)


async def worked_on(store: TicketStore) -> Ticket:
    ticket = await open_ticket(store)
    await store.comment(MARTON, CommentTicket.parse(ticket=ticket.id, text=AWKWARD))
    form = UpdateTicket.parse(ticket=ticket.id, description="", priority="LOW")
    await store.update(ANNA, form)
    move = TransitionTicket.parse(ticket=ticket.id, to=Status.IN_PROGRESS)
    return await store.transition(ANNA, move)


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
async def test_what_is_recorded_stays(
    store: TicketStore, database: Database, table: str, change: str
) -> None:
    await worked_on(store)
    async with database.pool.acquire() as connection:
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await connection.execute(change.format(table))


async def test_truncating_tickets_does_not_reach_their_history(
    store: TicketStore, database: Database
) -> None:
    await worked_on(store)
    async with database.pool.acquire() as connection:
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("TRUNCATE tickets CASCADE")
        with pytest.raises(asyncpg.ForeignKeyViolationError):
            await connection.execute("DELETE FROM tickets")


async def test_a_ticket_is_what_its_history_tells(store: TicketStore, database: Database) -> None:
    ticket = await worked_on(store)
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
    "an entry added": (
        INSERTED,
        6,
        "digest",
    ),
    "the ticket's status": ("UPDATE tickets SET status = 'CLOSED'", 6, "status 'CLOSED'"),
    "the ticket's title": ("UPDATE tickets SET title = 'x'", 6, "title 'x'"),
    "the ticket's head": ("UPDATE tickets SET head_digest = ''", 6, "head"),
    "the ticket's version": ("UPDATE tickets SET version = 4", 5, "goes on after version 4"),
}


@pytest.mark.parametrize(("change", "seq", "words"), TAMPERING.values(), ids=TAMPERING)
async def test_tampering_is_found(
    store: TicketStore, database: Database, change: str, seq: int, words: str
) -> None:
    await open_ticket(store, "Before")
    ticket = await worked_on(store)
    only_this = f" ticket = '{ticket.id}'" if "tickets" not in change else f" id = '{ticket.id}'"
    where = change + (" AND" if "WHERE" in change else " WHERE") + only_this
    async with database.pool.acquire() as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(where.replace(" h ", " ticket_status_history "))
        await connection.execute("RESET session_replication_role")
    found = await flaws(database)
    assert [(flaw.ticket, flaw.seq) for flaw in found] == [(ticket.id, seq)]
    assert words in found[0].message


async def test_a_history_without_its_ticket_is_found(
    store: TicketStore, database: Database
) -> None:
    gone = [(await worked_on(store)).id for _ in range(3)]
    async with database.pool.acquire() as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute("DELETE FROM tickets WHERE id <> $1", sorted(gone)[1])
        await connection.execute("RESET session_replication_role")
    lost = [each for each in sorted(gone) if each != sorted(gone)[1]]
    assert [(flaw.ticket, flaw.message) for flaw in await flaws(database)] == [
        (ticket, "there is no such ticket") for ticket in lost
    ]


async def test_of_fifty_writers_one_wins_each_step(store: TicketStore, database: Database) -> None:
    ticket = await open_ticket(store)
    steps = [Status.IN_PROGRESS, Status.RESOLVED, Status.IN_PROGRESS, Status.RESOLVED]
    for to in [*steps, Status.CLOSED]:
        form = TransitionTicket.parse(ticket=ticket.id, to=to)
        attempts = await asyncio.gather(
            *(store.transition(ANNA, form) for _ in range(50)), return_exceptions=True
        )
        assert sum(isinstance(each, Ticket) for each in attempts) == 1
        assert sum(isinstance(each, ForbiddenTransition) for each in attempts) == 49
    ended = await read_ticket(database, SYSTEM_VIEWER, ticket.id)
    assert (ended.status, ended.version) == (Status.CLOSED, 6)
    assert await flaws(database) == []


async def test_fifty_writers_under_one_key_are_one(store: TicketStore, database: Database) -> None:
    ticket = await open_ticket(store)
    move = TransitionTicket.parse(ticket=ticket.id, to=Status.IN_PROGRESS, idempotency_key="k1")
    comment = CommentTicket.parse(ticket=ticket.id, text="Well", idempotency_key="k2")
    assign = AssignTicket.parse(ticket=ticket.id, assignee=MARTON.id, idempotency_key="k3")
    requests: list[Callable[[], Awaitable[Ticket]]] = [
        lambda: store.transition(ANNA, move),
        lambda: store.comment(ANNA, comment),
        lambda: store.assign(ANNA, assign),
    ]
    for carry_out in requests:
        answers = await asyncio.gather(*(carry_out() for _ in range(50)))
        assert len(set(answers)) == 1
    ended = await read_ticket(database, SYSTEM_VIEWER, ticket.id)
    assert ended.version == 4
    assert await flaws(database) == []


async def test_many_kinds_of_change_at_once_keep_the_chain_whole(
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
    ended = await read_ticket(database, SYSTEM_VIEWER, ticket.id)
    assert (ended.status, ended.version) == (Status.IN_PROGRESS, 42)
    assert await flaws(database) == []
