"""Requests a second, and how long they take: Interlock, the ceiling, and two peers, in turn."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from statistics import median, quantiles
from typing import Final

import uvloop
from rich.table import Table

from benchmarks.api.cases import CASES, Asked, Case, Variables
from benchmarks.api.load import Taken, request_of, taken
from benchmarks.databases import temporary_server
from benchmarks.processes import serving
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.ticket_load import ASSIGNEE, prepare_database
from benchmarks.timing import ratio
from benchmarks.tokens import token_of

SERVER: Final = "benchmarks.api.served"
CEILING: Final = "bare"
CONCURRENCIES: Final = (1, 16, 64)
WARMING_SHARE: Final = 6
"""One in so many requests of a round does not count: others have had the machine for seconds."""
TOKEN: Final = token_of(ASSIGNEE)
CAPTION: Final = """\
interlock: the whole server, with sign-in, limits, metrics and a log line a request
by REST: the same server; a ticket tells people by their ids, which is one statement, not two
bare: an aiohttp handler, asyncpg and orjson with the same SQL, and nothing around it
strawberry, ariadne: the same part of the schema over the bare handler's storage; nobody signs in
Each server is a process on uvloop; the load comes from another, the database is a third."""

Key = tuple[str, int, str]
Rounds = Mapping[Key, Sequence[Taken]]


@dataclass(frozen=True, slots=True)
class Contender:
    """A server, and how it is asked.

    Attributes:
        server: the name of its process.
        ask: returns what asks it for a case; None if nothing does.

    """

    server: str
    ask: Callable[[Case], Callable[[Variables], Asked] | None]


CONTENDERS: Final = {
    "interlock": Contender("interlock", lambda case: case.by_graphql),
    "by REST": Contender("interlock", lambda case: case.rest),
    CEILING: Contender(CEILING, lambda case: case.of_bare),
    "strawberry": Contender("strawberry", lambda case: case.by_graphql),
    "ariadne": Contender("ariadne", lambda case: case.by_graphql),
}

NAMES: Final = tuple(CONTENDERS)
ROUNDS: Final = len(NAMES)
"""So that each comes first once, and last once."""
TITLE: Final = f"""\
Requests over HTTP, {ROUNDS} rounds of every server in turn, the beginning of each not counted
Medians of the rates, and of the ratios within a round; p50 and p99 of all requests"""


def main() -> None:
    """Print the figures."""
    with temporary_server() as url, ExitStack() as stack:
        uvloop.run(prepare_database(url))
        kinds = dict.fromkeys(each.server for each in CONTENDERS.values())
        ports = {kind: stack.enter_context(serving(SERVER, kind, url)).port for kind in kinds}
        rounds = uvloop.run(race(ports))
    print_table(table_of(rounds))


async def race(ports: Mapping[str, int]) -> Rounds:
    """Take rounds of all servers, in turn, each round beginning with another one.

    Whoever follows a server that keeps the machine busy finds it warm.
    """
    seen: dict[Key, list[Taken]] = defaultdict(list)
    for first, case, concurrency in product(range(ROUNDS), CASES, CONCURRENCIES):
        for name in (*NAMES[first:], *NAMES[:first]):
            contender = CONTENDERS[name]
            ask = contender.ask(case)
            if ask is None:
                continue
            passes = [[request_of(ask(each), TOKEN) for each in one] for one in case.passes]
            port, warming = ports[contender.server], sum(map(len, passes)) // WARMING_SHARE
            await taken(port, passes[0][:warming], concurrency)
            passes[0] = passes[0][warming:]
            results = [await taken(port, each, concurrency) for each in passes]
            seen[case.name, concurrency, name].append(Taken.of_all(results))
    return seen


def table_of(rounds: Rounds) -> Table:
    """Return the figures as a table."""
    speed = number_columns("a second", f"of {CEILING}", "p50 ms", "p99 ms")
    table = new_table(
        "case", *number_columns("at a time"), "server", *speed, title=TITLE, caption=CAPTION
    )
    for (case, concurrency, kind), results in rounds.items():
        rates = [result.rate for result in results]
        ceiling = [result.rate for result in rounds[case, concurrency, CEILING]]
        each = quantiles([1e3 * time for result in results for time in result.each], n=100)
        table.add_row(
            *(case, str(concurrency), kind, f"{median(rates):,.0f}"),
            *(f"{ratio(rates, ceiling):.2f}", f"{each[49]:.2f}", f"{each[98]:.2f}"),
        )
    return table


if __name__ == "__main__":
    main()
