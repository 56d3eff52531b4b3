"""Locked tickets, services and tables stop only those who change them."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from typing import Any, Final

import pytest
from aiohttp import ClientResponse, TCPConnector
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from api.auth.api_keys import ApiKeyEntry, Scope
from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.limits import SERVER_LIMITS
from api.limits_setting import read_limits
from api.settings import Settings
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.tickets.actor import Actor
from tests.support.api_client import KEY, SECRET, Client, bearer
from tests.support.lock_gates import Observer
from tests.support.monitored_services import PATH, declare_service
from tests.support.personas import ANNA, MARTON

TICKETS: Final = "/api/v1/tickets"
FORM: Final = {
    "title": "Payments fail",
    "workflow": "incident_response",
    "assignee": MARTON.id,
}
CHANGES: Final = 9
"""The connections for changes of a server with the default settings."""
VIEWER_CHANGES: Final = 3
"""The changes of one viewer, before any of them was quick."""
PATIENT: Final = "lock_wait_seconds=3600 wait_seconds=3600 request_seconds=3600"
"""Limits with which only the number of waiting requests is bounded."""
OTHERS: Final = [Actor(f"u_{number}", f"User {number}") for number in range(100)]


@dataclass(frozen=True, slots=True)
class Answer:
    """A response; `limit` is the limit that an error names."""

    status: int
    code: str | None = None
    limit: str | None = None
    retry_after: int = 0


async def read_answer(response: ClientResponse) -> tuple[Answer, Any]:
    body = await response.json(content_type=None)
    retry_after = int(response.headers.get("Retry-After", 0))
    return Answer(response.status, body.get("code"), body.get("limit"), retry_after), body


@dataclass(frozen=True, slots=True)
class Desk:
    """The users of a server, at work."""

    client: Client

    async def send(
        self, actor: Actor, method: str, path: str, body: object = None
    ) -> tuple[Answer, Any]:
        async with self.client.request(method, path, json=body, headers=bearer(actor)) as response:
            return await read_answer(response)

    async def create(self, actor: Actor) -> Answer:
        return (await self.send(actor, "POST", TICKETS, FORM))[0]

    async def open(self, actor: Actor = ANNA) -> str:
        answer, ticket = await self.send(actor, "POST", TICKETS, FORM)
        assert answer.status == 201, ticket
        opened: str = ticket["id"]
        return opened

    async def comment(self, actor: Actor, ticket: str, text: str = "On it") -> Answer:
        return (await self.send(actor, "POST", f"{TICKETS}/{ticket}/comments", {"text": text}))[0]

    async def report(self) -> Answer:
        """Report the health of a service, as a monitoring system does."""
        path, body = "/api/v1/health/report", {"path": PATH, "status": "DOWN"}
        async with self.client.post(path, json=body, headers={"X-API-Key": KEY}) as response:
            return (await read_answer(response))[0]

    async def read(self, ticket: str) -> None:
        """Check that a user can read, and that the server is ready."""
        assert (await self.send(MARTON, "GET", f"{TICKETS}/{ticket}"))[0].status == 200
        page = {"query": "{ tickets { nodes { id history(last: 1) { at } } } }"}
        assert "errors" not in (await self.send(MARTON, "POST", "/graphql", page))[1]
        async with self.client.get("/readyz") as response:
            assert response.status == 200

    async def metrics(self) -> set[tuple[str, float]]:
        async with self.client.get("/metrics") as response:
            lines = (await response.text()).splitlines()
        return {
            (name, float(value))
            for line in lines
            if not line.startswith("#")
            for name, value in [line.rsplit(" ", 1)]
        }

    async def change(self) -> None:
        """Check that a user can create and change tickets."""
        mine = await self.open(MARTON)
        assert (await self.comment(MARTON, mine)).status == 200
        transition = {"to": "IN_PROGRESS"}
        path = f"{TICKETS}/{mine}/transitions"
        assert (await self.send(MARTON, "POST", path, transition))[0].status == 200


@pytest.fixture
def limits() -> str:
    return PATIENT


@pytest.fixture
def settings(database_url: str, limits: str) -> Settings:
    settings = Settings(database_url=SecretStr(database_url), jwt_secret=SECRET)
    keys = (ApiKeyEntry.for_key(KEY, Scope),)
    return settings.model_copy(update={"api_keys": keys, "limits": read_limits(limits)})


@pytest.fixture
async def desk(engine: EngineHandle, settings: Settings) -> AsyncIterator[Desk]:
    async with (
        open_application_on(engine, settings) as application,
        TestClient(TestServer(application), connector=TCPConnector(limit=0)) as client,
    ):
        yield Desk(client)


def lock(*tickets: str) -> str:
    listed = ", ".join(f"'{each}'" for each in tickets)
    return f"SELECT FROM tickets WHERE id IN ({listed}) FOR UPDATE"  # ids of the test


async def finished(tasks: Iterable["asyncio.Task[Answer]"], count: int) -> list[Answer]:
    """Wait until as many tasks are done; return their results."""
    answers = []
    for task in asyncio.as_completed(tasks):
        answers.append(await task)
        if len(answers) == count:
            break
    return answers


async def test_comments_of_one_user_on_a_locked_ticket_wait_for_each_other(
    desk: Desk, observer: Observer, database: Database
) -> None:
    ticket = await desk.open()
    async with asyncio.TaskGroup() as group, observer.holding(lock(ticket)):
        comments = [group.create_task(desk.comment(ANNA, ticket, str(n))) for n in range(12)]
        await observer.wait_until_blocked(1)
        await desk.read(ticket)
        await desk.change()
        await observer.wait_until_blocked(1)
    assert [each.result().status for each in comments] == [200] * 12
    entries = (await read_histories(database, [ticket]))[ticket]
    assert sorted(each.new_value or "" for each in entries[1:]) == sorted(map(str, range(12)))


async def test_comments_of_many_users_on_a_locked_ticket_are_refused(
    desk: Desk, observer: Observer
) -> None:
    ticket = await desk.open()
    admitted = 1 + SERVER_LIMITS.ticket_waiters
    async with asyncio.TaskGroup() as group, observer.holding(lock(ticket)):
        comments = [group.create_task(desk.comment(each, ticket)) for each in OTHERS]
        refused = await finished(comments, len(OTHERS) - admitted)
        await observer.wait_until_blocked(1)
        metrics = await desk.metrics()
        await desk.read(ticket)
        await desk.change()
    assert {(each.status, each.code, each.limit) for each in refused} == {
        (503, "overloaded", "ticket_waiters")
    }
    assert metrics >= {
        ('interlock_requests_waiting{queue="subject"}', SERVER_LIMITS.ticket_waiters),
        ('interlock_requests_refused_total{queue="subject"}', len(refused)),
        ('interlock_database_connections_in_use{kind="changes"}', 1),
        ('interlock_database_connections_limit{kind="changes"}', CHANGES),
    }
    assert {each.retry_after for each in refused} <= {*range(1, 6)}
    assert len({each.retry_after for each in refused}) > 1
    assert Counter(each.result().status for each in comments)[200] == admitted


async def test_one_user_uses_some_of_the_connections_for_changes(
    desk: Desk, observer: Observer
) -> None:
    locked = [await desk.open() for _ in range(12)]
    async with asyncio.TaskGroup() as group, observer.holding(lock(*locked)):
        comments = [group.create_task(desk.comment(ANNA, ticket)) for ticket in locked]
        await observer.wait_until_blocked(VIEWER_CHANGES)
        await desk.read(locked[0])
        await desk.change()
        await observer.wait_until_blocked(VIEWER_CHANGES)
    assert [each.result().status for each in comments] == [200] * 12


@pytest.mark.parametrize("limits", ["lock_wait_seconds=0.1 wait_seconds=0.3"])
async def test_a_change_does_not_wait_for_a_locked_ticket_for_ever(
    desk: Desk, observer: Observer
) -> None:
    ticket = await desk.open()
    mutation = f'mutation {{ commentTicket(id: "{ticket}", text: "On it") {{ ticket {{ id }} }} }}'
    async with observer.holding(lock(ticket)):
        answer = await desk.comment(ANNA, ticket)
        _, response = await desk.send(ANNA, "POST", "/graphql", {"query": mutation})
    assert (answer.status, answer.code, answer.limit) == (503, "overloaded", "lock_wait_seconds")
    assert answer.retry_after > 0
    extensions = response["errors"][0]["extensions"]
    assert (extensions["code"], extensions["limit"]) == ("overloaded", "lock_wait_seconds")
    assert extensions["retryAfter"] > 0


@pytest.mark.parametrize("limits", ["lock_wait_seconds=3600 wait_seconds=0.1"])
async def test_a_user_whose_changes_stall_gets_too_many_requests(
    desk: Desk, observer: Observer
) -> None:
    locked = [await desk.open() for _ in range(VIEWER_CHANGES + 1)]
    async with asyncio.TaskGroup() as group, observer.holding(lock(*locked)):
        comments = [group.create_task(desk.comment(ANNA, ticket)) for ticket in locked]
        [refused] = await finished(comments, 1)
    assert refused == Answer(429, "too_many_requests", "viewer_changes", 1)


@pytest.mark.parametrize("limits", [f"{PATIENT} connection_waiters=2"])
async def test_changes_wait_in_a_bounded_queue_while_no_ticket_can_be_changed(
    desk: Desk, observer: Observer
) -> None:
    ticket = await desk.open()
    users = OTHERS[: 2 * CHANGES]
    for each in users:  # so that it is known, and only its change needs a connection
        await desk.send(each, "GET", f"{TICKETS}/{ticket}")
    async with (
        asyncio.TaskGroup() as group,
        observer.holding("LOCK TABLE tickets IN EXCLUSIVE MODE"),
    ):
        creating = [group.create_task(desk.create(each)) for each in users]
        refused = await finished(creating, len(users) - CHANGES - 2)
        await desk.read(ticket)
    assert {(each.status, each.code, each.limit) for each in refused} == {
        (503, "overloaded", "connection_waiters")
    }
    assert Counter(each.result().status for each in creating)[201] == CHANGES + 2


async def test_reports_of_a_locked_service_wait_for_each_other(
    desk: Desk, observer: Observer, engine: EngineHandle
) -> None:
    await declare_service(engine.database)
    ticket = await desk.open()
    async with asyncio.TaskGroup() as group, observer.holding("SELECT FROM services FOR UPDATE"):
        reports = [group.create_task(desk.report()) for _ in range(9)]
        await observer.wait_until_blocked(1)
        await desk.read(ticket)
        await desk.change()
        await observer.wait_until_blocked(1)
    assert [each.result().status for each in reports] == [200] * 9


async def test_a_user_who_cannot_be_stored_uses_one_connection(
    desk: Desk, observer: Observer
) -> None:
    ticket = await desk.open(MARTON)
    lock_user = "SELECT FROM users WHERE id = 'u_b1' FOR UPDATE"
    async with asyncio.TaskGroup() as group, observer.holding(lock_user):
        reads = [
            group.create_task(desk.send(ANNA, "GET", f"{TICKETS}/{ticket}")) for _ in range(12)
        ]
        await observer.wait_until_blocked(1)
        await desk.read(ticket)
        await desk.change()
        await observer.wait_until_blocked(1)
    assert [each.result()[0].status for each in reads] == [200] * 12
