"""Idempotency keys are deleted when they are old, and only then."""

import asyncio

import pytest

from engine.errors import Unavailable
from engine.storage.postgres.database import Database
from engine.storage.tickets.idempotency import KEY_RETENTION_HOURS, prune_keys
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CommentTicket, CreateTicket, TransitionTicket
from engine.tickets.ticket import Ticket
from engine.tickets.viewer import SYSTEM_VIEWER
from tests.support.lock_gates import Observer
from tests.support.personas import ANNA

KEYS = (
    "INSERT INTO idempotency_keys (actor, key, request, ticket, version, created_at)"
    " SELECT 'u_b1', 'old ' || n, '', 'tk_000000', 1, now() - interval '25 hours'"
    " FROM generate_series(1, 25) AS n"
)
COUNT = "SELECT count(*) FROM idempotency_keys"


async def comment(store: TicketStore, ticket: Ticket) -> Ticket:
    command = CommentTicket.parse(ticket=ticket.id, text="Looking", idempotency_key="k")
    return await store.comment(ANNA, command)


async def pick_up(store: TicketStore, ticket: Ticket) -> Ticket:
    command = TransitionTicket.parse(ticket=ticket.id, to="IN_PROGRESS", idempotency_key="k")
    return await store.transition(ANNA, command)


async def make_older(observer: Observer, hours: int) -> None:
    await observer.connection.execute(
        "UPDATE idempotency_keys SET created_at = created_at - make_interval(hours => $1)", hours
    )


async def test_a_key_is_kept_for_the_documented_time(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    command = CreateTicket.parse(title="Printer", workflow="service_request")
    ticket = await store.create(ANNA, command)
    first = await comment(store, ticket)
    await make_older(observer, KEY_RETENTION_HOURS - 1)
    assert await prune_keys(database) == 0
    assert await comment(store, ticket) == first
    await make_older(observer, 1)
    assert await prune_keys(database) == 1
    assert (await comment(store, ticket)).version == first.version + 1


async def test_all_old_keys_are_deleted_in_batches(database: Database, observer: Observer) -> None:
    await observer.connection.execute(KEYS)
    assert await prune_keys(database, hours=26) == 0
    assert await prune_keys(database, hours=25, batch=10) == 25
    assert await observer.connection.fetchval(COUNT) == 0


async def test_replicas_delete_old_keys_together(database: Database, observer: Observer) -> None:
    await observer.connection.execute(KEYS)
    deleted = await asyncio.gather(*(prune_keys(database, batch=2) for _ in range(4)))
    assert sum(deleted) == 25
    assert await observer.connection.fetchval(COUNT) == 0


async def test_a_locked_key_is_skipped(database: Database, observer: Observer) -> None:
    await observer.connection.execute(KEYS)
    lock = "SELECT FROM idempotency_keys WHERE key IN ('old 1', 'old 2') FOR UPDATE"
    async with observer.holding(lock):
        assert await prune_keys(database, batch=10) == 23
    assert await prune_keys(database, batch=10) == 2


LOSE_KEYS = (
    "CREATE FUNCTION lose_key() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'",
    "CREATE TRIGGER v BEFORE INSERT ON idempotency_keys FOR EACH ROW EXECUTE FUNCTION lose_key()",
)
"""As if a key was in use for the insert and deleted before the read."""


async def test_a_key_that_expires_during_the_request_asks_to_retry(
    store: TicketStore, database: Database, observer: Observer
) -> None:
    command = CreateTicket.parse(title="Printer", workflow="service_request", assignee=ANNA.id)
    ticket = await store.create(ANNA, command)
    for statement in LOSE_KEYS:
        await observer.connection.execute(statement)
    for change in (comment, pick_up):
        with pytest.raises(Unavailable, match="key expired"):
            await change(store, ticket)
    assert await read_ticket(database, SYSTEM_VIEWER, ticket.id) == ticket
