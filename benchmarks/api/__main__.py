"""Requests per second and latencies: Interlock, a bare handler and two peers, alternately."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from statistics import median, quantiles
from typing import Final

import uvloop
from rich.table import Table

from benchmarks.api.cases import CASES, Case, HttpRequest, Variables
from benchmarks.api.load import Timing, encode_request, send_all
from benchmarks.databases import temporary_server
from benchmarks.processes import serving
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.ticket_load import ASSIGNEE, prepare_database
from benchmarks.timing import ratio
from benchmarks.tokens import token_of

_SERVER: Final = "benchmarks.api.served"
_REFERENCE: Final = "bare"
_CONCURRENCIES: Final = (1, 16, 64)
_WARM_UP_SHARE: Final = 6
"""One of this number of requests of a round warms up the server and does not count."""
_TOKEN: Final = token_of(ASSIGNEE)
_CAPTION: Final = """\
interlock: the whole server, with authentication, limits, metrics and a log line per request
by REST: the same server; a ticket has the ids of users, which takes one statement, not two
bare: an aiohttp handler with asyncpg, orjson and the same SQL, and nothing else
strawberry, ariadne: the same part of the schema with the bare handler's storage, without
authentication
Servers, load and database are separate processes; the servers use uvloop."""

_Key = tuple[str, int, str]
_Rounds = Mapping[_Key, Sequence[Timing]]


@dataclass(frozen=True, slots=True)
class _Contender:
    """A server, and the requests that it gets.

    Attributes:
        server: the name of its process.
        request_maker: returns the function that makes the requests of a case; None if the server
            does not support the case.

    """

    server: str
    request_maker: Callable[[Case], Callable[[Variables], HttpRequest] | None]


_CONTENDERS: Final = {
    "interlock": _Contender("interlock", lambda case: case.by_graphql),
    "by REST": _Contender("interlock", lambda case: case.rest),
    _REFERENCE: _Contender(_REFERENCE, lambda case: case.of_bare),
    "strawberry": _Contender("strawberry", lambda case: case.by_graphql),
    "ariadne": _Contender("ariadne", lambda case: case.by_graphql),
}

_NAMES: Final = tuple(_CONTENDERS)
_ROUNDS: Final = len(_NAMES)
"""Each server is the first and the last of a round once."""
_TITLE: Final = f"""\
Requests over HTTP, {_ROUNDS} alternating rounds of every server, after a warm-up in each
Medians of the rates, and of the ratios within a round; p50 and p99 of all requests"""


def main() -> None:
    """Print the results."""
    with temporary_server() as url, ExitStack() as stack:
        uvloop.run(prepare_database(url))
        kinds = dict.fromkeys(each.server for each in _CONTENDERS.values())
        ports = {kind: stack.enter_context(serving(_SERVER, kind, url)).port for kind in kinds}
        rounds = uvloop.run(_measure(ports))
    print_table(_results_table(rounds))


async def _measure(ports: Mapping[str, int]) -> _Rounds:
    """Return the timings of alternating rounds.

    Each round starts with another server, because a server is faster on a busy machine.
    """
    timings: dict[_Key, list[Timing]] = defaultdict(list)
    for first, case, concurrency in product(range(_ROUNDS), CASES, _CONCURRENCIES):
        for name in (*_NAMES[first:], *_NAMES[:first]):
            contender = _CONTENDERS[name]
            make_request = contender.request_maker(case)
            if make_request is None:
                continue
            passes = [
                [encode_request(make_request(each), _TOKEN) for each in one] for one in case.passes
            ]
            port, warm_up = ports[contender.server], sum(map(len, passes)) // _WARM_UP_SHARE
            await send_all(port, passes[0][:warm_up], concurrency)
            passes[0] = passes[0][warm_up:]
            results = [await send_all(port, each, concurrency) for each in passes]
            timings[case.name, concurrency, name].append(Timing.of_all(results))
    return timings


def _results_table(rounds: _Rounds) -> Table:
    """Return a table of all cases."""
    speed = number_columns("per second", f"of {_REFERENCE}", "p50 ms", "p99 ms")
    table = new_table(
        "case", *number_columns("concurrent"), "server", *speed, title=_TITLE, caption=_CAPTION
    )
    for (case, concurrency, kind), results in rounds.items():
        rates = [result.rate for result in results]
        reference = [result.rate for result in rounds[case, concurrency, _REFERENCE]]
        percentiles = quantiles(
            [1e3 * each for result in results for each in result.latencies], n=100
        )
        table.add_row(
            *(case, str(concurrency), kind, f"{median(rates):,.0f}"),
            *(f"{ratio(rates, reference):.2f}", f"{percentiles[49]:.2f}", f"{percentiles[98]:.2f}"),
        )
    return table


if __name__ == "__main__":
    main()
