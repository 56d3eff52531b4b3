"""What a locked ticket that many users change costs the users of other tickets."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from statistics import median
from time import perf_counter
from typing import Final, TypeAlias

import aiohttp
import asyncpg
import uvloop
from rich.table import Table

from api.json_encoding import JsonObject
from benchmarks.databases import temporary_server
from benchmarks.processes import serving
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.ticket_load import TicketSet, prepare_database, ticket_id
from benchmarks.timing import ratio
from benchmarks.tokens import token_of
from engine.tickets.actor import Actor

_SERVER: Final = "benchmarks.api.served"
_TICKETS: Final = "/api/v1/tickets"
_HOT: Final = ticket_id(TicketSet.PLAIN, 0)
_LOCK: Final = f"SELECT FROM tickets WHERE id = '{_HOT}' FOR UPDATE"  # a constant
_LIST: Final = "{ tickets(first: 50) { nodes { id title status version updatedAt } } }"

_ROUNDS: Final = 7
_USERS: Final = 4
_TURNS: Final = 25
"""How often each user makes each request in a round."""
_PROBE_SECONDS: Final = 0.2

_TITLE: Final = f"""\
Milliseconds that requests of {_USERS} users take while others comment on a locked ticket
Medians of {_ROUNDS} alternating rounds, and of the ratios within a round"""
_CAPTION: Final = """\
comments: sent at a time; each one that is refused is sent again after `Retry-After`
ratio: to the same requests without comments on the locked ticket
Server, PostgreSQL and all clients share the machine. /readyz always responded with 200."""


class _Refused(Exception):
    """The server asks the client to wait."""

    def __init__(self, seconds: int) -> None:
        self.seconds = seconds
        super().__init__(seconds)


@dataclass(frozen=True, slots=True)
class _User:
    """A user of the server."""

    session: aiohttp.ClientSession
    headers: Mapping[str, str]

    @classmethod
    def named(cls, session: aiohttp.ClientSession, name: str) -> "_User":
        """Return the user with an id."""
        return cls(session, {"Authorization": f"Bearer {token_of(Actor(name, name))}"})

    async def send(self, path: str, body: JsonObject | None = None) -> None:
        """Send a request.

        Raises:
            RuntimeError: the request is refused for good.
            _Refused: it can be sent again later.

        """
        method = "GET" if body is None else "POST"
        async with self.session.request(method, path, json=body, headers=self.headers) as response:
            text = await response.text()
        if (seconds := response.headers.get("Retry-After")) is not None:
            raise _Refused(int(seconds))
        if not response.ok or '"errors"' in text:
            raise RuntimeError(text)


@dataclass(frozen=True, slots=True)
class _Crowd:
    """Users who comment on the locked ticket, and how many comments they send at a time."""

    users: int
    comments: int

    @asynccontextmanager
    async def commenting(self, session: aiohttp.ClientSession) -> AsyncIterator[None]:
        """Comment during the block."""
        users = [_User.named(session, f"u_hot_{number}") for number in range(self.users)]
        tasks = [
            asyncio.create_task(_comment(users[number % self.users]))
            for number in range(self.comments)
        ]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


_QUIET: Final = "none"
_CROWDS: Final[Mapping[str, _Crowd]] = {
    _QUIET: _Crowd(users=1, comments=0),
    "12 of one user": _Crowd(users=1, comments=12),
    "100 of 100 users": _Crowd(users=100, comments=100),
}
_Latencies: TypeAlias = Mapping[str, Mapping[str, Sequence[float]]]
"""The median latency in every round, by crowd and kind of request."""


def main() -> None:
    """Print medians and ratios."""
    with temporary_server() as url:
        uvloop.run(prepare_database(url))
        with serving(_SERVER, "interlock", url) as served:
            latencies = uvloop.run(_measure(url, served.address))
    print_table(_results_table(latencies))


async def _measure(url: str, address: str) -> _Latencies:
    """Run rounds of all crowds alternately, after one warm-up."""
    latencies: dict[str, dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    connector = aiohttp.TCPConnector(limit=0)
    async with (
        _locked(url),
        aiohttp.ClientSession(address, connector=connector) as session,
    ):
        users = [_User.named(session, f"u_{number}") for number in range(_USERS)]
        for round_number in range(_ROUNDS + 1):
            for name, crowd in _CROWDS.items():
                async with crowd.commenting(session), _probing(session):
                    round_ = await _run_round(users)
                if round_number > 0:
                    for kind, seconds in round_.items():
                        latencies[name][kind].append(median(seconds))
    return latencies


@asynccontextmanager
async def _locked(url: str) -> AsyncIterator[None]:
    """Keep the hot ticket locked during the block."""
    connection = await asyncpg.connect(url)
    try:
        async with connection.transaction():
            await connection.execute(_LOCK)
            yield
    finally:
        await connection.close()


async def _comment(user: _User) -> None:
    """Comment on the hot ticket again and again."""
    while True:
        try:
            await user.send(f"{_TICKETS}/{_HOT}/comments", {"text": "On it"})
        except _Refused as refusal:
            await asyncio.sleep(refusal.seconds)


@asynccontextmanager
async def _probing(session: aiohttp.ClientSession) -> AsyncIterator[None]:
    """Check during the block that the server is ready; raise RuntimeError if it is not."""

    async def probe() -> None:
        while True:
            async with session.get("/readyz") as response:
                if not response.ok:
                    raise RuntimeError(await response.text())
            await asyncio.sleep(_PROBE_SECONDS)

    probing = asyncio.create_task(probe())
    yield
    if probing.done():
        await probing
    probing.cancel()


async def _run_round(users: Sequence[_User]) -> Mapping[str, Sequence[float]]:
    """Return the latencies of each kind of request, of all users."""
    latencies: dict[str, list[float]] = defaultdict(list)

    async def work(number: int, user: _User) -> None:
        mine = f"{_TICKETS}/{ticket_id(TicketSet.PLAIN, 1 + number)}"
        requests = {
            "read a ticket": partial(user.send, mine),
            "a list of 50": partial(user.send, "/graphql", {"query": _LIST}),
            "a comment": partial(user.send, f"{mine}/comments", {"text": "On it"}),
            "a new ticket": partial(
                user.send, _TICKETS, {"title": "Payments fail", "workflow": "change_request"}
            ),
        }
        for _ in range(_TURNS):
            for kind, send in requests.items():
                start = perf_counter()
                await send()
                latencies[kind].append(perf_counter() - start)

    await asyncio.gather(*(work(*each) for each in enumerate(users)))
    return latencies


def _results_table(latencies: _Latencies) -> Table:
    """Return a table of all kinds of requests."""
    columns = number_columns("median", "ratio")
    table = new_table("request", "comments", *columns, title=_TITLE, caption=_CAPTION)
    for kind, quiet in latencies[_QUIET].items():
        for name, by_kind in latencies.items():
            seconds = by_kind[kind]
            table.add_row(
                kind, name, f"{median(seconds) * 1e3:.1f}", f"{ratio(seconds, quiet):.2f}"
            )
        table.add_section()
    return table


if __name__ == "__main__":
    main()
