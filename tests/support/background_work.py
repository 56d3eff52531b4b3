"""A server with all background tasks, and a check of the work of each of them."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Final, TypeAlias

import aiohttp
from aiohttp.test_utils import TestClient, TestServer
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr
from sqlalchemy.engine import make_url

from api.auth.tokens import TokenIssuer
from api.bootstrap.application import open_application_on
from api.bootstrap.engine import open_engine
from api.bootstrap.web import session_lifetime
from api.runtime.background_tasks import BackgroundTask, Supervisor, every
from api.settings import Settings
from engine.sealing.anchor_key import AnchorKey
from engine.storage.history.changes import read_histories
from engine.storage.history.seals import read_unsealed
from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.databases import Databases
from engine.storage.resources.live_declaration import read_live_declaration
from engine.storage.servers import read_running_servers
from engine.storage.tickets.reader import read_ticket
from engine.storage.tickets.store import TicketStore
from engine.storage.web_sessions import WebSessionStore, session_digest
from engine.tickets.commands import CreateTicketFromCatalog
from engine.tickets.history import EntryKind
from engine.tickets.viewer import SYSTEM_VIEWER
from engine.vocabulary import Status
from engine.webhooks.host_allowlist import HostAllowlist
from tests.support.api_client import Client
from tests.support.concurrent_changes import open_ticket
from tests.support.databases import as_server
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.monitored_services import PATH, outage_tickets, record
from tests.support.personas import ANNA
from tests.support.stored_sla import PICKED_UP, RESOLVED, transition
from tests.support.tcp_proxy import TcpProxy, tcp_proxy
from tests.support.values_mount import Mount
from tests.support.webhook_receiver import SECRET, Receiver, open_receiver

SHORT_SECONDS: Final = 0.02
_RUN_SECONDS_MAX: Final = 1
_DECLARATION: Final = """
ticketing:
  workflows:
    - name: numbered
      displayName: Version {number}
      transitions: [{{from: OPEN, to: CLOSED, role: any}}]
  catalog:
    categories: [{{name: all, displayName: All}}]
    items:
      - name: urgent
        category: all
        displayName: Urgent
        workflow: service_request
        sla: {{response: 1s, resolution: 1d}}
  services: [{{path: {path}, slaGroup: payment-team, autoTicket: true, holdDown: 1s}}]
  webhooks: [{{name: chat, url: "{url}", secretName: chat}}]
  autoClose: {{afterResolved: 1s}}
"""
_EVENT_DRIVEN: Final = {"change_feed", "caches"}
"""The tasks that wait for events instead of the next time."""
_FOLLOW: Final = "subscription { ticketsChanged { ticket { id } } }"
SESSION_LIFETIME: Final = session_lifetime(Settings())
_MAIN_SECRET: Final = "a" * 32


class ImpatientSupervisor(Supervisor):
    """Runs tasks at short intervals, and failed tasks again at once."""

    def __init__(self) -> None:
        super().__init__(delay=lambda _failures: SHORT_SECONDS)
        self.names: list[str] = []

    @asynccontextmanager
    async def run(self, tasks: Iterable[BackgroundTask]) -> AsyncIterator[None]:
        """Run tasks for the duration of the block."""
        hurried = [
            replace(
                each,
                wait=each.wait if each.name in _EVENT_DRIVEN else every(SHORT_SECONDS),
                run_seconds_max=_RUN_SECONDS_MAX,
            )
            for each in tasks
        ]
        self.names = [each.name for each in hurried]
        async with super().run(hurried):
            yield


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait until a condition holds."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while True:
            if await condition():
                return
            await asyncio.sleep(SHORT_SECONDS)


def declare(mount: Mount, number: int, receiver: Receiver) -> None:
    """Replace the values file."""
    mount.put(_DECLARATION.format(number=number, path=PATH, url=receiver.url))


def accept_secret(file: Path, secret: str) -> None:
    """Replace the secrets of tokens by the main one and another one."""
    file.write_text(f"{_MAIN_SECRET}\n{secret}\n", "utf-8")


@dataclass
class WorkingServer:
    """A server whose background tasks all have work, and what the server depends on.

    Attributes:
        client: sends requests to the server.
        database: the database for its owner, whom no fault affects.
        pools: the connections of the server.
        proxy: the way of the server.
        receiver: of the webhook.
        mount: the folder with the values file.
        secrets: the file with the secrets of tokens.
        tasks: the names of the background tasks.
        followed: the tickets of the changes that a subscriber has received.

    """

    client: Client
    database: Database
    pools: Databases
    proxy: TcpProxy
    receiver: Receiver
    mount: Mount
    secrets: Path
    tasks: list[str]
    followed: list[str] = field(default_factory=list)
    numbers: "count[int]" = field(default_factory=lambda: count(1))

    @property
    def anchors(self) -> list[str]:
        """The published anchors."""
        file = _anchors_beside(self.secrets)
        return file.read_text("utf-8").splitlines() if file.exists() else []

    @property
    def store(self) -> TicketStore:
        return TicketStore(self.database)

    async def finds(self, sql: str, argument: str | int) -> bool:
        """Run a statement; return whether it returns rows."""
        async with self.database.pool.acquire() as connection:
            return bool(await connection.fetch(sql, argument))

    async def runs(self, outcome: str) -> dict[str, float]:
        """Return how often each task has succeeded or failed."""
        async with self.client.get("/metrics") as response:
            families = text_string_to_metric_families(await response.text())
        return {
            sample.labels["task"]: sample.value
            for family in families
            for sample in family.samples
            if sample.name == "interlock_background_task_runs_total"
            and sample.labels["outcome"] == outcome
        }

    @asynccontextmanager
    async def failing(self, tasks: Iterable[str]) -> AsyncIterator[None]:
        """Wait at the end of the block until each of these tasks has failed once more."""
        before = await self.runs("failed")
        yield

        async def have_failed() -> bool:
            now = await self.runs("failed")
            return all(now[each] > before[each] for each in tasks)

        await until(have_failed)

    @asynccontextmanager
    async def stream(self, secret: str = _MAIN_SECRET) -> AsyncIterator[aiohttp.ClientResponse]:
        """Open a subscription to all changes with a token that is signed with a secret."""
        token = TokenIssuer(SecretStr(secret)).issue(ANNA, timedelta(hours=1))
        headers = {"Authorization": f"Bearer {token}"}
        body = {"query": _FOLLOW}
        async with self.client.post("/graphql/stream", json=body, headers=headers) as response:
            assert response.status == 200
            yield response

    async def has_subscriber(self) -> bool:
        """Return whether a subscriber waits for changes."""
        async with self.client.get("/metrics") as response:
            return "interlock_subscribers 1.0" in (await response.text()).splitlines()

    async def follow(self) -> None:
        """Note the tickets of all changes; the stream must not end."""
        async with self.stream() as response:
            async for line in response.content:
                if line.startswith(b"data: "):
                    event = json.loads(line.removeprefix(b"data: "))
                    self.followed.append(event["data"]["ticketsChanged"]["ticket"]["id"])


def _anchors_beside(secrets: Path) -> Path:
    return secrets.with_name("anchors.jsonl")


async def _changes_reach_a_subscriber(server: WorkingServer) -> None:
    ticket = await open_ticket(server.store)

    async def received() -> bool:
        return ticket.id in server.followed

    await until(received)


async def _a_changed_file_is_applied_and_shown(server: WorkingServer) -> None:
    number = next(server.numbers)
    declare(server.mount, number, server.receiver)
    token = TokenIssuer(SecretStr(_MAIN_SECRET)).issue(ANNA, timedelta(hours=1))

    async def shown() -> bool:
        headers = {"Authorization": f"Bearer {token}"}
        body = {"query": "{ workflows { displayName } }"}
        async with server.client.post("/graphql", json=body, headers=headers) as response:
            return f"Version {number}" in await response.text()

    await until(shown)


async def _a_removed_secret_ends_its_streams(server: WorkingServer) -> None:
    number = next(server.numbers)
    secret = f"{number:032}"
    accept_secret(server.secrets, secret)

    async def accepted() -> bool:
        token = TokenIssuer(SecretStr(secret)).issue(ANNA, timedelta(hours=1))
        headers = {"Authorization": f"Bearer {token}"}
        async with server.client.get("/graphql/schema.graphql", headers=headers) as response:
            return response.status == 200

    await until(accepted)
    async with server.stream(secret) as response:
        accept_secret(server.secrets, f"{number:033}")
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await response.content.read()


async def _a_breach_is_recorded(server: WorkingServer) -> None:
    command = CreateTicketFromCatalog.parse(item="urgent")
    ticket = await server.store.create_from_catalog(ANNA, command)

    async def recorded() -> bool:
        entries = (await read_histories(server.database, [ticket.id]))[ticket.id]
        return any(each.kind is EntryKind.SLA_BREACH for each in entries)

    await until(recorded)


async def _a_held_down_outage_opens_a_ticket(server: WorkingServer) -> None:
    async def is_live() -> bool:
        tickets = await outage_tickets(server.database)
        return bool(tickets) and tickets[-1].status is not Status.CLOSED

    async def is_closed() -> bool:
        return not await is_live()

    await record(server.database, "DOWN")
    await until(is_live)
    await record(server.database, "OPERATIONAL")
    await until(is_closed)


async def _a_resolved_ticket_is_closed(server: WorkingServer) -> None:
    ticket = await open_ticket(server.store)
    await transition(server.store, ticket, PICKED_UP, RESOLVED)

    async def closed() -> bool:
        current = await read_ticket(server.database, SYSTEM_VIEWER, ticket.id)
        return current.status is Status.CLOSED

    await until(closed)


async def _an_event_is_delivered(server: WorkingServer) -> None:
    ticket = await open_ticket(server.store)

    async def delivered() -> bool:
        return any(ticket.id in each.entry for each in server.receiver.received)

    await until(delivered)


async def _an_old_delivery_is_deleted(server: WorkingServer) -> None:
    ticket = await open_ticket(server.store)

    async def finished() -> bool:
        return await server.finds(
            "UPDATE webhook_deliveries SET finished_at = '2020-01-01'"
            " WHERE ticket = $1 AND state = 'delivered' RETURNING 1",
            ticket.id,
        )

    async def deleted() -> bool:
        return not await server.finds("SELECT FROM webhook_deliveries WHERE ticket = $1", ticket.id)

    await until(finished)
    await until(deleted)


async def _an_old_key_is_deleted(server: WorkingServer) -> None:
    key = str(next(server.numbers))
    await open_ticket(server.store, idempotency_key=key)
    await server.finds("UPDATE idempotency_keys SET created_at = '2020-01-01' WHERE key = $1", key)

    async def deleted() -> bool:
        return not await server.finds("SELECT FROM idempotency_keys WHERE key = $1", key)

    await until(deleted)


async def _signing_out_ends_a_stream(server: WorkingServer) -> None:
    sessions = WebSessionStore(server.database, SESSION_LIFETIME)
    session_id = await sessions.create(ANNA)
    headers = {"Cookie": f"__Host-interlock={session_id}"}
    async with server.client.get("/events", headers=headers) as response:
        assert response.status == 200
        await sessions.delete(session_digest(session_id))
        async with asyncio.timeout(TIMEOUT_SECONDS):
            await response.content.read()


async def _an_old_web_session_is_deleted(server: WorkingServer) -> None:
    sessions = WebSessionStore(server.database, SESSION_LIFETIME)
    user = replace(ANNA, id=f"u_{next(server.numbers)}")
    await sessions.create(user)
    await server.finds("UPDATE web_sessions SET used_at = '2020-01-01' WHERE user_id = $1", user.id)

    async def deleted() -> bool:
        return not await server.finds("SELECT FROM web_sessions WHERE user_id = $1", user.id)

    await until(deleted)


async def _a_refused_transition_is_counted(server: WorkingServer) -> None:
    ticket = await open_ticket(server.store)
    token = TokenIssuer(SecretStr(_MAIN_SECRET)).issue(ANNA, timedelta(hours=1))
    count = "SELECT FROM refused_transitions WHERE times > $1"
    before = 0
    while await server.finds(count, before):
        before += 1
    headers = {"Authorization": f"Bearer {token}"}
    path, body = f"/api/v1/tickets/{ticket.id}/transitions", {"to": "RESOLVED"}
    async with server.client.post(path, json=body, headers=headers) as response:
        assert response.status == 403
    await until(lambda: server.finds(count, before))


async def _runs_succeed(task: str, server: WorkingServer) -> None:
    before = (await server.runs("succeeded"))[task]

    async def succeeded() -> bool:
        return (await server.runs("succeeded"))[task] > before

    await until(succeeded)


async def _the_server_reports_again(server: WorkingServer) -> None:
    """Forget the server; then it must be known again, with the active declaration."""
    async with server.database.pool.acquire() as connection:
        await connection.execute("DELETE FROM servers")

    async def reported() -> bool:
        live = await read_live_declaration(server.database)
        reports = await read_running_servers(server.database)
        return [each.declaration for each in reports] == [live.digest]

    await until(reported)


async def _everything_is_sealed(server: WorkingServer) -> None:
    await open_ticket(server.store)

    async def sealed() -> bool:
        async with server.database.snapshot() as session:
            return (await read_unsealed(session)).rows == 0

    await until(sealed)


async def _an_anchor_is_published(server: WorkingServer) -> None:
    before = len(server.anchors)
    async with server.database.transaction() as session:  # without anchors, one is due
        await session.connection.execute("SET LOCAL session_replication_role = replica")
        await session.connection.execute("DELETE FROM anchors")

    async def published() -> bool:
        return len(server.anchors) > before

    await until(published)


Check: TypeAlias = Callable[[WorkingServer], Coroutine[None, None, None]]
WORK: Final[dict[str, Check]] = {
    "change_feed": _changes_reach_a_subscriber,
    "log_watch": partial(_runs_succeed, "log_watch"),
    "clock": partial(_runs_succeed, "clock"),
    "caches": _a_changed_file_is_applied_and_shown,
    "values_file": _a_changed_file_is_applied_and_shown,
    "stream_tokens": _a_removed_secret_ends_its_streams,
    "stream_web_sessions": _signing_out_ends_a_stream,
    "token_keys": _a_removed_secret_ends_its_streams,
    "sla_breaches": _a_breach_is_recorded,
    "waiting_services": _a_held_down_outage_opens_a_ticket,
    "maintenance_windows": partial(_runs_succeed, "maintenance_windows"),
    "status_page": partial(_runs_succeed, "status_page"),
    "automatic_closing": _a_resolved_ticket_is_closed,
    "webhooks": _an_event_is_delivered,
    "webhook_metrics": partial(_runs_succeed, "webhook_metrics"),
    "ticket_metrics": partial(_runs_succeed, "ticket_metrics"),
    "refused_transitions": _a_refused_transition_is_counted,
    "old_deliveries": _an_old_delivery_is_deleted,
    "old_idempotency_keys": _an_old_key_is_deleted,
    "old_web_sessions": _an_old_web_session_is_deleted,
    "server_report": _the_server_reports_again,
    "seals": _everything_is_sealed,
    "anchors": _an_anchor_is_published,
}
"""Waits until the work of a task is done, by the name of the task; tasks can share a check."""


@asynccontextmanager
async def working_server(owner_url: str, folder: Path) -> AsyncIterator[WorkingServer]:
    """Run a server on a database during the block; all its background tasks have work."""
    address = make_url(as_server(owner_url))
    host, port = address.query.get("host", address.host), address.port or 5432
    mount, secrets, supervisor = Mount(folder / "values"), folder / "secrets", ImpatientSupervisor()
    mount.folder.mkdir()
    secrets_of_webhooks = folder / "webhooks"
    secrets_of_webhooks.mkdir()
    (secrets_of_webhooks / "chat").write_text(SECRET, "utf-8")
    async with AsyncExitStack() as stack:
        proxy = await stack.enter_async_context(tcp_proxy(str(host), port))
        receiver = await stack.enter_async_context(open_receiver())
        declare(mount, 0, receiver)
        accept_secret(secrets, "0" * 32)
        proxied = address.set(host="127.0.0.1", port=proxy.local_port, query={})
        url = proxied.render_as_string(hide_password=False)
        settings = Settings(
            database_url=SecretStr(url),
            jwt_secret_file=secrets,
            values_file=mount.file,
            webhook_secrets_dir=secrets_of_webhooks,
            webhook_hosts=HostAllowlist.parse(receiver.origin),
            anchor_key=SecretStr(AnchorKey.new().pem),
            anchor_file=_anchors_beside(secrets),
        )
        engine = await stack.enter_async_context(open_engine(settings))
        application = await stack.enter_async_context(
            open_application_on(engine, settings, supervisor=supervisor)
        )
        client = await stack.enter_async_context(TestClient(TestServer(application)))
        database = await stack.enter_async_context(open_database(owner_url))
        server = WorkingServer(
            client, database, engine.databases, proxy, receiver, mount, secrets, supervisor.names
        )
        following = asyncio.create_task(server.follow())
        await until(server.has_subscriber)
        yield server
        following.cancel()
