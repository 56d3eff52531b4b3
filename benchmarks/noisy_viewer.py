"""The latency of other users while one viewer sends expensive requests."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from statistics import median, quantiles
from time import perf_counter
from typing import Final

import aiohttp
import uvloop
from rich.table import Table

from benchmarks.databases import temporary_server
from benchmarks.processes import serving
from benchmarks.rejected_queries import many
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.ticket_load import TicketSet, prepare_database, ticket_id
from benchmarks.timing import ratio
from benchmarks.tokens import SECRET, token_of
from engine.tickets.actor import Actor

_ROUNDS: Final = 3
_SECONDS: Final = 5
"""How long each load lasts."""
_RATE: Final = 100
"""Requests of the noisy viewer in a second."""
_OTHERS: Final = 4
_IDLE_SECONDS: Final = 0.02
_PAUSE_SECONDS: Final = 0.02
"""Between two requests of another user."""
_TICKET: Final = f"""
{{ ticket(id: "{ticket_id(TicketSet.PLAIN, 0)}") {{
  id title status priority requester {{ id name }} assignee {{ id name }} transitions {{ to }}
}} }}
"""
_QUIET: Final = "no load"
_UNKNOWN_NAMES: Final = f"{{ {many('wings{}', 900)} }}"
_OVERLAPPING_FIELDS: Final = f"{{ tickets {{ {many('...F{}', 120)} }} }}" + many(
    "fragment F{} on TicketConnection {{ nodes {{ id }} }}", 120
)
_DRAWINGS: Final = (
    "{ workflows { svg: graph(format: SVG) mermaid: graph dot: graph(format: DOT) } }"
)
_ALIASES: Final = f'{{ workflow(name: "incident_response") {{ {many("a{}: displayName", 190)} }} }}'
_LOADS: Final[Mapping[str, Callable[[int], str]]] = {
    "900 unknown names": lambda number: f"{_UNKNOWN_NAMES} #{number}",
    "900 unknown names, the same document": lambda _: _UNKNOWN_NAMES,
    "overlapping fields": lambda number: f"{_OVERLAPPING_FIELDS} #{number}",
    "drawings of all workflows": lambda _: _DRAWINGS,
    "190 aliases": lambda number: f"{_ALIASES} #{number}",
}
"""What the noisy viewer sends; most documents are new ones each time."""
_SERVER: Final = "benchmarks.socket_servers"
_SERVERS: Final = {"with": "address_rate=0", "without": "address_rate=0 viewer_rate=0"}
"""The settings of the servers: with the default budget of a viewer, and without one."""
_TITLE: Final = f"""\
The latency of reading a ticket for {_OTHERS} users while another sends {_RATE} requests a second
Medians over {_ROUNDS} alternating rounds of {_SECONDS} s; ratios to the same server without load"""
_CAPTION: Final = """\
429: the share of the requests of the noisy viewer that the server refuses because of its budget
The server, PostgreSQL and all clients share the machine."""


@dataclass
class _Round:
    """What the users of a server experience during one load, in seconds."""

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)


_Rounds = dict[tuple[str, str], list[_Round]]


def main() -> None:
    """Print the results."""
    with temporary_server() as url, ExitStack() as stack:
        uvloop.run(prepare_database(url))
        addresses = {
            name: stack.enter_context(serving(_SERVER, "interlock", settings=settings)).address
            for name, settings in ((name, _settings(url, each)) for name, each in _SERVERS.items())
        }
        rounds = uvloop.run(_measure(addresses))
    print_table(_results_table(rounds))


def _settings(url: str, limits: str) -> dict[str, str]:
    return {
        "INTERLOCK_DATABASE_URL": url,
        "INTERLOCK_JWT_SECRET": SECRET.get_secret_value(),
        "INTERLOCK_PORT": "0",
        "INTERLOCK_LIMITS": limits,
    }


async def _measure(addresses: Mapping[str, str]) -> _Rounds:
    """Return the rounds of each server and load."""
    rounds: _Rounds = {}
    for number in range(_ROUNDS):
        for server, address in addresses.items():
            for load in (_QUIET, *_LOADS):
                noisy = Actor(f"u_noisy{number}_{load}", "Noisy")
                result = await _run(address, noisy, _LOADS.get(load))
                rounds.setdefault((server, load), []).append(result)
    return rounds


async def _run(address: str, noisy: Actor, load: Callable[[int], str] | None) -> _Round:
    """Send requests of all users for some time."""
    result = _Round()
    ends = perf_counter() + _SECONDS
    async with asyncio.TaskGroup() as tasks:
        for number in range(_OTHERS):
            tasks.create_task(_read(address, Actor(f"u_{number}", "Other"), ends, result))
        if load:
            tasks.create_task(_send(address, noisy, load, ends, result))
    await _wait_until_idle(address)
    return result


async def _wait_until_idle(address: str) -> None:
    """Wait until the server has answered all requests, also those that were cancelled."""
    async with aiohttp.ClientSession(address) as session:
        seconds = _IDLE_SECONDS
        while seconds >= _IDLE_SECONDS:
            started = perf_counter()
            async with session.get("/livez") as response:
                await response.read()
            seconds = perf_counter() - started


@asynccontextmanager
async def _session(address: str, actor: Actor) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {token_of(actor)}"}
    async with aiohttp.ClientSession(address, headers=headers) as session:
        yield session


async def _read(address: str, actor: Actor, ends: float, result: _Round) -> None:
    """Read a ticket again and again, with pauses."""
    async with _session(address, actor) as session:
        while (started := perf_counter()) < ends:
            async with session.post("/graphql", json={"query": _TICKET}) as response:
                body = await response.read()
            if b'"errors"' in body:
                raise RuntimeError(body.decode())
            result.latencies.append(perf_counter() - started)
            await asyncio.sleep(_PAUSE_SECONDS)


async def _send(
    address: str, actor: Actor, load: Callable[[int], str], ends: float, result: _Round
) -> None:
    """Send requests at a constant rate, whether or not they are answered."""

    async def send(number: int) -> None:
        async with session.post("/graphql", json={"query": load(number)}) as response:
            await response.read()
            result.statuses[response.status] += 1

    async with _session(address, actor) as session:
        requests: list[asyncio.Task[None]] = []
        while perf_counter() < ends:
            requests.append(asyncio.create_task(send(len(requests))))
            await asyncio.sleep(1 / _RATE)
        for each in requests:
            each.cancel()
        await asyncio.wait(requests)


def _results_table(rounds: _Rounds) -> Table:
    """Return a table of all servers and loads."""
    columns = number_columns("budget", "p50 ms", "ratio", "p99 ms", "429")
    table = new_table("load", *columns, title=_TITLE, caption=_CAPTION)
    for (server, load), results in rounds.items():
        medians, quiet = (_medians(rounds[server, name]) for name in (load, _QUIET))
        latencies = [each for result in results for each in result.latencies]
        answered = sum((result.statuses for result in results), Counter[int]())
        refused = f"{answered[429] / answered.total():.0%}" if answered else ""
        table.add_row(
            *(load, server, f"{median(medians) * 1e3:.2f}", f"{ratio(medians, quiet):.2f}"),
            *(f"{quantiles(latencies, n=100)[98] * 1e3:.1f}", refused),
        )
    return table


def _medians(results: Sequence[_Round]) -> list[float]:
    return [median(each.latencies) for each in results]


if __name__ == "__main__":
    main()
