"""Thousands of subscribers on one server: their memory, and how fast they are told of a change."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Final, NamedTuple

import aiohttp
import uvloop
from pydantic import SecretStr
from rich.console import Console
from rich.table import Table

from api.facts import JsonObject
from api.http.socket_messages import SUBPROTOCOL
from api.identity import SecretTokens
from benchmarks.fleet import ASSIGNEE
from benchmarks.socket_servers import BARE, OURS
from benchmarks.storage import DEFAULTS
from engine.storage.database import open_database
from engine.storage.embedded import embedded_server
from engine.storage.journal import journal_end
from engine.storage.schema import migrate
from engine.storage.ticket_store import TicketStore
from engine.tickets.actor import Actor
from engine.tickets.requests import CreateTicket
from engine.vocabulary import SYSTEM
from reconciler.apply import Order, reconcile

SUBSCRIBERS: Final = 5_000
ROUNDS: Final = 9
OPENED_AT_ONCE: Final = 50
SECRET: Final = "0123456789abcdef" * 2
TOKENS: Final = SecretTokens(SecretStr(SECRET))
LIMITS: Final = "address_rate=0 viewer_rate=0 viewer_requests=100000"

ADMIN: Final = Actor("u_a0", "Ada L.", is_admin=True)

FIELDS: Final = "{ entry { seq kind at actor from to } ticket { id title status } position }"
FILTERED: Final = f"""\
subscription ($filter: TicketChangeFilter, $after: String!) {{
  ticketsChanged(filter: $filter, after: $after) {FIELDS}
}}"""
ONE: Final = f"""\
subscription ($id: ID!, $after: String!) {{ ticketChanged(id: $id, after: $after) {FIELDS} }}"""
WITH_PEOPLE: Final = FILTERED.replace("status }", "status requester { name } }")
COMMENT: Final = 'mutation ($id: ID!) { commentTicket(id: $id, text: "On it") { ticket { id } } }'
TITLE: Final = f"""\
{SUBSCRIBERS:,} subscribers over sockets of one server process; a change is a comment on a ticket
Medians of {ROUNDS} changes; server, PostgreSQL and all clients share the machine"""
CAPTION: Final = """\
KB each: by how much the server's resident memory grew, for a subscriber
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


class Scene(NamedTuple):
    """The ids of a ticket that changes and of one that does not, and where subscribers begin."""

    busy: str
    quiet: str
    after: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """What the subscribers want.

    Attributes:
        server: which one they ask.
        subscription: what the subscriber of that number asks for.
        listeners: how many of them a change concerns.

    """

    server: str
    subscription: Callable[[int, Scene], JsonObject]
    listeners: int


@dataclass(frozen=True, slots=True)
class Measured:
    """Kilobytes a subscriber, and milliseconds until the first and the last of them heard."""

    kilobytes: float
    first: float
    last: float


def to_all(_number: int, scene: Scene) -> JsonObject:
    """Subscribe to all tickets."""
    return {"query": FILTERED, "variables": {"after": scene.after}}


def to_all_with_people(_number: int, scene: Scene) -> JsonObject:
    """Subscribe to all tickets, and ask for what only the database knows."""
    return {"query": WITH_PEOPLE, "variables": {"after": scene.after}}


def to_one(number: int, scene: Scene) -> JsonObject:
    """Subscribe to one ticket: one subscriber to the busy one, all others to the quiet one."""
    ticket = scene.quiet if number else scene.busy
    return {"query": ONE, "variables": {"id": ticket, "after": scene.after}}


def to_those_of_a_person(number: int, scene: Scene) -> JsonObject:
    """Subscribe to the open tickets of somebody, each of somebody else."""
    person = f"u_{number}" if number else ASSIGNEE.id
    wanted: JsonObject = {"assignee": person, "status": ["OPEN"]}
    return {"query": FILTERED, "variables": {"filter": wanted, "after": scene.after}}


SCENARIOS: Final = {
    "bare aiohttp": Scenario(BARE, to_all, SUBSCRIBERS),
    "all tickets": Scenario(OURS, to_all, SUBSCRIBERS),
    "all tickets, with people": Scenario(OURS, to_all_with_people, SUBSCRIBERS),
    "one ticket each": Scenario(OURS, to_one, 1),
    "the tickets of one person each": Scenario(OURS, to_those_of_a_person, 1),
}


def main() -> None:
    """Print memory and times."""
    with TemporaryDirectory() as folder, embedded_server(Path(folder)) as url:
        measured = uvloop.run(measure(url))
    Console(width=120).print(table_of(measured))


async def measure(url: str) -> dict[str, Measured]:
    """Run every scenario on a server of its own."""
    scene = await prepare(url)
    return {name: await run(each, url, scene) for name, each in SCENARIOS.items()}


async def prepare(url: str) -> Scene:
    """Make the schema, the workflows and the tickets."""
    await migrate(url)
    async with open_database(url) as database:
        await reconcile(database, DEFAULTS, Order(by=SYSTEM), source="benchmark")
        form = CreateTicket.checked(
            title="Payments fail", workflow="incident_response", assignee=ASSIGNEE.id
        )
        busy, quiet = [await TicketStore(database).create(ADMIN, form) for _ in range(2)]
        return Scene(busy.id, quiet.id, str(await journal_end(database)))


async def run(scenario: Scenario, url: str, scene: Scene) -> Measured:
    """Let everybody subscribe, then change the ticket again and again."""
    audience = Audience()
    async with serving(scenario.server, url) as (pid, address), connected(address) as session:
        before = resident_kilobytes(pid)
        async with AsyncExitStack() as stack:
            for first in range(0, SUBSCRIBERS, OPENED_AT_ONCE):
                numbers = range(first, first + OPENED_AT_ONCE)
                asked = (scenario.subscription(number, scene) for number in numbers)
                await asyncio.gather(*(subscribe(session, each, audience, stack) for each in asked))
            times = [await change(session, scene, audience, scenario) for _ in range(ROUNDS + 1)]
            kilobytes = (resident_kilobytes(pid) - before) / SUBSCRIBERS
    first, last = (median(each) * 1_000 for each in zip(*times[1:], strict=True))
    return Measured(kilobytes, first, last)


@asynccontextmanager
async def serving(server: str, url: str) -> AsyncIterator[tuple[int, str]]:
    """Run a server for the length of the block; yield its process id and address."""
    settings = {
        "INTERLOCK_DATABASE_URL": url,
        "INTERLOCK_JWT_SECRET": SECRET,
        "INTERLOCK_PORT": "0",
        "INTERLOCK_LIMITS": LIMITS,
        "INTERLOCK_LOG_LEVEL": "warning",
    }
    command = (sys.executable, "-m", "benchmarks.socket_servers", server)
    process = await asyncio.create_subprocess_exec(
        *command, env=os.environ | settings, stdout=subprocess.PIPE
    )
    if process.stdout is None:
        raise RuntimeError("the server says nothing")
    try:
        yield process.pid, (await process.stdout.readline()).decode().strip()
    finally:
        process.terminate()
        await process.wait()


@asynccontextmanager
async def connected(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    """Yield a session without a bound to its connections."""
    token = TOKENS.mint(ADMIN, timedelta(hours=1))
    async with aiohttp.ClientSession(
        address,
        connector=aiohttp.TCPConnector(limit=0),
        headers={"Authorization": f"Bearer {token}"},
    ) as session:
        yield session


async def subscribe(
    session: aiohttp.ClientSession, asked: JsonObject, audience: Audience, stack: AsyncExitStack
) -> None:
    """Open a socket that listens until the stack is closed; a bare server answers nothing."""
    socket = await session.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,), compress=0)
    await socket.send_json({"type": "connection_init"})
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


def resident_kilobytes(pid: int) -> int:
    """Return the resident memory of a process."""
    status = Path(f"/proc/{pid}/status").read_text("ascii")
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS"))


def table_of(measured: dict[str, Measured]) -> Table:
    """Return everything as a table."""
    table = Table(
        *("subscribed to", "told", "KB each", "first", "last"),
        title=TITLE,
        title_justify="left",
        caption=CAPTION,
        caption_justify="left",
        width=110,
    )
    for name, each in measured.items():
        told = f"{SCENARIOS[name].listeners:,}"
        figures = (f"{each.kilobytes:.1f}", f"{each.first:,.0f}", f"{each.last:,.0f}")
        table.add_row(name, told, *figures)
    return table


if __name__ == "__main__":
    main()
