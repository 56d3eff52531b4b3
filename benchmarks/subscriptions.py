"""Thousands of subscribers on one server: their memory, and the latency of a change."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median
from time import perf_counter
from typing import Final

import aiohttp
import uvloop
from rich.table import Table

from api.graphql.transport.websocket_messages import SUBPROTOCOL
from api.json_encoding import JsonObject
from benchmarks.databases import declare, temporary_server
from benchmarks.processes import KIBIBYTE, cpu_seconds, memory_bytes, serving
from benchmarks.scenarios import SCENARIOS, SUBSCRIBERS, Scenario, Scene
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.ticket_load import ASSIGNEE
from benchmarks.tokens import SECRET, token_of
from engine.storage.history.log import log_end, read_log
from engine.storage.history.position import Position
from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import CreateTicket

_ROUNDS: Final = 9
_OPENED_AT_ONCE: Final = 50
_POSITIONS: Final = 20
_WAIT_SECONDS: Final = 60
_SERVERS: Final = "benchmarks.socket_servers"
_LIMITS: Final = (
    "address_rate=0 viewer_rate=0 viewer_requests=100000"
    " connections=20000 address_connections=10000"
)

_ADMIN: Final = Actor("u_a0", "Ada L.", is_admin=True)

_COMMENT: Final = 'mutation ($id: ID!) { commentTicket(id: $id, text: "On it") { ticket { id } } }'
_TITLE: Final = f"""\
{SUBSCRIBERS:,} subscribers over sockets of one server process; a change is a comment on a ticket
Medians of {_ROUNDS} changes; the server, PostgreSQL and all clients share the machine"""
_CAPTION: Final = """\
viewers: the number of different users among the subscribers
receivers: the number of subscribers that get the change
KB each: growth of the server's resident memory per subscriber
CPU: CPU milliseconds of the server per change, with the request and the polling
first, last: milliseconds from the request for the change until the first and the last receiver
have it; about 250 of them are the interval between two polls
bare aiohttp: a handler that sends the body of the request to all sockets, and nothing else"""


@dataclass
class _Audience:
    """All clients of one server, and when they received messages."""

    received: list[float] = field(default_factory=list)
    expected: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, count: int) -> None:
        """Expect a number of messages, and forget earlier ones."""
        self.received, self.expected, self.complete = [], count, asyncio.Event()

    def add_message(self) -> None:
        """Record that a client received a message."""
        self.received.append(perf_counter())
        if len(self.received) == self.expected:
            self.complete.set()


@dataclass(frozen=True, slots=True)
class _Measurement:
    """Kilobytes per subscriber; for a change, CPU milliseconds and latencies in milliseconds."""

    kilobytes: float
    cpu: float
    first: float
    last: float


def main() -> None:
    """Print the results."""
    with temporary_server() as url:
        results = uvloop.run(_measure(url))
    print_table(_results_table(results))


async def _measure(url: str) -> dict[str, _Measurement]:
    """Run every scenario on a separate server."""
    busy, quiet = await _create_tickets(url)
    results = {}
    for name, scenario in SCENARIOS.items():
        async with open_database(url) as database:
            scene = Scene(busy, quiet, await _create_positions(database))
        results[name] = await _run(scenario, url, scene)
    return results


async def _create_positions(database: Database) -> list[Position]:
    """Create tickets; return the positions after each of them."""
    end = await log_end(database)
    command = CreateTicket.parse(title="Cards fail", workflow="incident_response")
    for _ in range(_POSITIONS):
        await TicketStore(database).create(_ADMIN, command)
    return [each.position for each in await read_log(database, end, _POSITIONS)]


async def _create_tickets(url: str) -> tuple[str, str]:
    """Create the database and two tickets; return their ids."""
    await declare(url)
    async with open_database(url) as database:
        command = CreateTicket.parse(
            title="Payments fail", workflow="incident_response", assignee=ASSIGNEE.id
        )
        busy, quiet = [await TicketStore(database).create(_ADMIN, command) for _ in range(2)]
        return busy.id, quiet.id


async def _run(scenario: Scenario, url: str, scene: Scene) -> _Measurement:
    """Open all subscriptions, then change the ticket several times."""
    audience = _Audience()
    settings = _settings_for(url)
    with serving(_SERVERS, scenario.server, settings=settings) as (pid, address):
        async with _connected(address) as session, AsyncExitStack() as stack:
            initial_memory = memory_bytes("VmRSS", pid)
            for first in range(0, SUBSCRIBERS, _OPENED_AT_ONCE):
                numbers = range(first, first + _OPENED_AT_ONCE)
                subscriptions = [
                    (_viewer(each % scenario.viewers), scenario.subscription(each, scene))
                    for each in numbers
                ]
                await asyncio.gather(
                    *(_subscribe(session, *each, audience, stack) for each in subscriptions)
                )
            await _change(session, scene, audience, scenario)
            initial_cpu = cpu_seconds(pid)
            times = [await _change(session, scene, audience, scenario) for _ in range(_ROUNDS)]
            cpu = (cpu_seconds(pid) - initial_cpu) * 1_000 / _ROUNDS
            kilobytes = (memory_bytes("VmRSS", pid) - initial_memory) / SUBSCRIBERS / KIBIBYTE
    first, last = (median(each) * 1_000 for each in zip(*times, strict=True))
    return _Measurement(kilobytes, cpu, first, last)


def _settings_for(url: str) -> dict[str, str]:
    """Return the settings of the server."""
    return {
        "INTERLOCK_DATABASE_URL": url,
        "INTERLOCK_JWT_SECRET": SECRET.get_secret_value(),
        "INTERLOCK_PORT": "0",
        "INTERLOCK_LIMITS": _LIMITS,
        "INTERLOCK_LOG_LEVEL": "warning",
    }


@asynccontextmanager
async def _connected(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session without a limit of connections."""
    async with aiohttp.ClientSession(
        address,
        connector=aiohttp.TCPConnector(limit=0),
        headers={"Authorization": _authorization(_ADMIN)},
    ) as session:
        yield session


def _authorization(actor: Actor) -> str:
    """Return the Authorization header of a user."""
    return f"Bearer {token_of(actor)}"


def _viewer(number: int) -> Actor:
    """Return the user with a number."""
    return Actor(f"u_{number}", f"Viewer {number}")


async def _subscribe(
    session: aiohttp.ClientSession,
    actor: Actor,
    payload: JsonObject,
    audience: _Audience,
    stack: AsyncExitStack,
) -> None:
    """Open a socket that receives messages until the stack is closed."""
    socket = await session.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,), compress=0)
    credentials: JsonObject = {"authorization": _authorization(actor)}
    await socket.send_json({"type": "connection_init", "payload": credentials})
    await socket.send_json({"id": "1", "type": "subscribe", "payload": payload})
    receiving = asyncio.create_task(_receive(socket, audience))
    stack.callback(receiving.cancel)


async def _receive(socket: aiohttp.ClientWebSocketResponse, audience: _Audience) -> None:
    """Record every message but the acknowledgement."""
    async for message in socket:
        if '"connection_ack"' not in message.data:
            audience.add_message()


async def _change(
    session: aiohttp.ClientSession, scene: Scene, audience: _Audience, scenario: Scenario
) -> tuple[float, float]:
    """Change the ticket; return the seconds until the first and the last receiver have it."""
    audience.expect(scenario.receivers)
    body = {"query": _COMMENT, "variables": {"id": scene.busy}}
    start = perf_counter()
    async with session.post("/graphql", json=body) as response:
        await response.read()
    async with asyncio.timeout(_WAIT_SECONDS):
        await audience.complete.wait()
    return audience.received[0] - start, audience.received[-1] - start


def _results_table(results: dict[str, _Measurement]) -> Table:
    """Return a table of all scenarios."""
    columns = number_columns("viewers", "receivers", "KB each", "CPU", "first", "last")
    table = new_table("subscribed to", *columns, title=_TITLE, caption=_CAPTION)
    for name, each in results.items():
        scenario = SCENARIOS[name]
        counts = (f"{scenario.viewers:,}", f"{scenario.receivers:,}")
        times = (f"{milliseconds:,.0f}" for milliseconds in (each.cpu, each.first, each.last))
        table.add_row(name, *counts, f"{each.kilobytes:.1f}", *times)
    return table


if __name__ == "__main__":
    main()
