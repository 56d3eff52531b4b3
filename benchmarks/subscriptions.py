"""Thousands of subscribers on one server: their memory, and how fast they are told of a change."""

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
from engine.storage.history.log import log_end
from engine.storage.postgres.database import open_database
from engine.storage.tickets.store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.commands import CreateTicket

ROUNDS: Final = 9
OPENED_AT_ONCE: Final = 50
SERVERS: Final = "benchmarks.socket_servers"
LIMITS: Final = "address_rate=0 viewer_rate=0 viewer_requests=100000"

ADMIN: Final = Actor("u_a0", "Ada L.", is_admin=True)

COMMENT: Final = 'mutation ($id: ID!) { commentTicket(id: $id, text: "On it") { ticket { id } } }'
TITLE: Final = f"""\
{SUBSCRIBERS:,} subscribers over sockets of one server process; a change is a comment on a ticket
Medians of {ROUNDS} changes; server, PostgreSQL and all clients share the machine"""
CAPTION: Final = """\
KB each: by how much the server's resident memory grew, for a subscriber
viewers: as whom the subscribers are signed in
CPU: milliseconds that the server computes for a change, the request and the looking for it included
first, last: milliseconds from the request for the change until the first and the last of those
whom it concerns have heard of it; each follows the one before, so about 250 are the server's
waiting for its next look
bare aiohttp: a handler that keeps sockets and sends the request's body to all, nothing else"""


@dataclass
class Audience:
    """All clients of one server, and when they heard something."""

    heard: list[float] = field(default_factory=list)
    expected: int = 0
    complete: asyncio.Event = field(default_factory=asyncio.Event)

    def expect(self, count: int) -> None:
        """Forget what was heard, and expect to hear something so many times."""
        self.heard, self.expected, self.complete = [], count, asyncio.Event()

    def hear(self) -> None:
        """Note that a client has heard something."""
        self.heard.append(perf_counter())
        if len(self.heard) == self.expected:
            self.complete.set()


@dataclass(frozen=True, slots=True)
class Measured:
    """Kilobytes a subscriber, and of a change: milliseconds of CPU, and until who heard of it."""

    kilobytes: float
    cpu: float
    first: float
    last: float


def main() -> None:
    """Print memory and times."""
    with temporary_server() as url:
        measured = uvloop.run(measure(url))
    print_table(table_of(measured))


async def measure(url: str) -> dict[str, Measured]:
    """Run every scenario on a server of its own."""
    busy, quiet = await prepare(url)
    measured = {}
    for name, scenario in SCENARIOS.items():
        async with open_database(url) as database:
            scene = Scene(busy, quiet, await log_end(database))
        measured[name] = await run(scenario, url, scene)
    return measured


async def prepare(url: str) -> tuple[str, str]:
    """Make the schema, the workflows and two tickets; return the ids of these."""
    await declare(url)
    async with open_database(url) as database:
        form = CreateTicket.parse(
            title="Payments fail", workflow="incident_response", assignee=ASSIGNEE.id
        )
        busy, quiet = [await TicketStore(database).create(ADMIN, form) for _ in range(2)]
        return busy.id, quiet.id


async def run(scenario: Scenario, url: str, scene: Scene) -> Measured:
    """Let everybody subscribe, then change the ticket again and again."""
    audience = Audience()
    settings = settings_for(url)
    with serving(SERVERS, scenario.server, settings=settings) as (pid, address):
        async with connected(address) as session, AsyncExitStack() as stack:
            empty = memory_bytes("VmRSS", pid)
            for first in range(0, SUBSCRIBERS, OPENED_AT_ONCE):
                some = range(first, first + OPENED_AT_ONCE)
                asked = [
                    (viewer(each % scenario.viewers), scenario.subscription(each, scene))
                    for each in some
                ]
                await asyncio.gather(
                    *(subscribe(session, *each, audience, stack) for each in asked)
                )
            await change(session, scene, audience, scenario)
            idle = cpu_seconds(pid)
            times = [await change(session, scene, audience, scenario) for _ in range(ROUNDS)]
            cpu = (cpu_seconds(pid) - idle) * 1_000 / ROUNDS
            kilobytes = (memory_bytes("VmRSS", pid) - empty) / SUBSCRIBERS / KIBIBYTE
    first_heard, last_heard = (median(each) * 1_000 for each in zip(*times, strict=True))
    return Measured(kilobytes, cpu, first_heard, last_heard)


def settings_for(url: str) -> dict[str, str]:
    """Return the settings of a server."""
    return {
        "INTERLOCK_DATABASE_URL": url,
        "INTERLOCK_JWT_SECRET": SECRET.get_secret_value(),
        "INTERLOCK_PORT": "0",
        "INTERLOCK_LIMITS": LIMITS,
        "INTERLOCK_LOG_LEVEL": "warning",
    }


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session without a bound to its connections."""
    async with aiohttp.ClientSession(
        address,
        connector=aiohttp.TCPConnector(limit=0),
        headers={"Authorization": authorization(ADMIN)},
    ) as session:
        yield session


def authorization(actor: Actor) -> str:
    """Return how a person says who they are."""
    return f"Bearer {token_of(actor)}"


def viewer(number: int) -> Actor:
    """Return the person of that number."""
    return Actor(f"u_{number}", f"Viewer {number}")


async def subscribe(
    session: aiohttp.ClientSession,
    actor: Actor,
    asked: JsonObject,
    audience: Audience,
    stack: AsyncExitStack,
) -> None:
    """Open a socket that listens until the stack is closed; a bare server answers nothing."""
    socket = await session.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,), compress=0)
    said: JsonObject = {"authorization": authorization(actor)}
    await socket.send_json({"type": "connection_init", "payload": said})
    await socket.send_json({"id": "1", "type": "subscribe", "payload": asked})
    listening = asyncio.create_task(listen(socket, audience))
    stack.callback(listening.cancel)


async def listen(socket: aiohttp.ClientWebSocketResponse, audience: Audience) -> None:
    """Tell the audience of every answer."""
    async for message in socket:
        if '"connection_ack"' not in message.data:
            audience.hear()


async def change(
    session: aiohttp.ClientSession, scene: Scene, audience: Audience, scenario: Scenario
) -> tuple[float, float]:
    """Change the ticket; return the seconds until the first and the last subscriber heard of it."""
    audience.expect(scenario.listeners)
    asked = {"query": COMMENT, "variables": {"id": scene.busy}}
    start = perf_counter()
    async with session.post("/graphql", json=asked) as response:
        await response.read()
    await audience.complete.wait()
    return audience.heard[0] - start, audience.heard[-1] - start


def table_of(measured: dict[str, Measured]) -> Table:
    """Return everything as a table."""
    columns = number_columns("viewers", "told", "KB each", "CPU", "first", "last")
    table = new_table("subscribed to", *columns, title=TITLE, caption=CAPTION)
    for name, each in measured.items():
        scenario = SCENARIOS[name]
        people = (f"{scenario.viewers:,}", f"{scenario.listeners:,}")
        times = (f"{milliseconds:,.0f}" for milliseconds in (each.cpu, each.first, each.last))
        table.add_row(name, *people, f"{each.kilobytes:.1f}", *times)
    return table


if __name__ == "__main__":
    main()
