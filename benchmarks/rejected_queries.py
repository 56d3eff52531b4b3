"""The CPU time and the peak memory that a hostile document uses until it is refused."""

import asyncio
import tracemalloc
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median
from time import process_time
from typing import Final

from rich.table import Table

from api.graphql.executor import GraphQLExecutor, GraphQLRequest
from api.graphql.interlock import interlock_executor
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.timing import ROUNDS

_ORDINARY: Final = """
{ tickets(first: 50) { nodes { id title status priority version createdAt updatedAt
    requester { id name } assignee { id name } transitions { to allowed } sla { resolutionDueAt } }
  pageInfo { hasNextPage endCursor } } }
"""
UNKNOWN: Final = "Unknown"
_REFERENCE: Final = "an ordinary document, not cached"


def _nested(opening: str, levels: int, closing: str) -> str:
    """Return nested brackets."""
    return opening * levels + closing * levels


def many(text: str, count: int) -> str:
    """Return copies of a text with different numbers."""
    return " ".join(text.format(number) for number in range(count))


_DOCUMENTS: Final[Mapping[str, str]] = {
    "5,000 levels": _nested("{ tickets ", 5_000, "}"),
    "45 KB of unclosed brackets": "{a" * 22_500,
    "10,000 aliases": "{ tickets {" + many("a{}: totalCount", 10_000) + "} }",
    "fragments in a cycle": "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }",
    "190 fragments in a cycle": "{ ...F0 }"
    + "".join(f"fragment F{n} on Query {{ ...F{(n + 1) % 190} }}" for n in range(190)),
    "10 MB": "{" + "a " * 5_000_000 + "}",
    "100 KB of comments": "{ __typename }" + "#\n" * 50_000,
    "one field 900 times": "{ tickets {" + "totalCount " * 900 + "} }",
    "fragments that overlap each other": "{ tickets {"
    + many("...F{}", 120)
    + "} }"
    + "".join(f"fragment F{n} on TicketConnection {{ nodes {{ id }} }}" for n in range(120)),
    "all tickets counted 50 times": "{" + many("a{}: tickets {{ totalCount }}", 50) + "}",
    "introspection 49 times": "{"
    + many("a{}: __schema {{ types {{ fields {{ name type {{ name kind }} }} }} }}", 49)
    + "}",
    "1,900 unknown fields": "{" + many("wings{}", 1_900) + "}",
}
_TITLE: Final = f"""\
CPU milliseconds until a hostile document is refused, median of {ROUNDS} alternating rounds
Without HTTP, which refuses bodies above 256 KB"""


def main() -> None:
    """Print CPU times, their ratios to the reference, and peaks of memory."""
    executor = asyncio.run(interlock_executor())
    documents = {_REFERENCE: _ORDINARY, **_DOCUMENTS}
    works = {name: _refusal_of(executor, text) for name, text in documents.items()}
    for work in works.values():
        work(0)
    rounds = [
        {name: _cpu_seconds(partial(work, turn)) for name, work in works.items()}
        for turn in range(1, ROUNDS + 1)
    ]
    times = {name: median(each[name] for each in rounds) for name in works}
    again = {
        name: median(_cpu_seconds(partial(work, ROUNDS)) for _ in range(ROUNDS))
        for name, work in works.items()
    }
    peaks = {name: _peak_memory(work) for name, work in works.items()}
    print_table(_results_table(times, again, peaks))


def _refusal_of(executor: GraphQLExecutor, text: str) -> Callable[[int], None]:
    """Return a function that has an uncached document refused; the reference is for its name."""

    def work(turn: int) -> None:
        request = GraphQLRequest(
            f"{text} #{turn}", operation_name=UNKNOWN if text == _ORDINARY else None
        )
        asyncio.run(executor.execute(request, None))

    return work


def _cpu_seconds(work: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    start = process_time()
    work()
    return process_time() - start


def _peak_memory(work: Callable[[int], None]) -> int:
    """Return the peak memory of a call in bytes."""
    tracemalloc.start()
    work(ROUNDS + 1)
    _, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak_bytes


def _results_table(
    times: Mapping[str, float], again: Mapping[str, float], peaks: Mapping[str, int]
) -> Table:
    """Return a table of all documents."""
    columns = number_columns("ms", f"of {_REFERENCE}", "the same again", "peak MB")
    table = new_table("document", *columns, title=_TITLE)
    for name, seconds in times.items():
        table.add_row(
            *(name, f"{seconds * 1e3:.2f}", f"{seconds / times[_REFERENCE]:.2f}"),
            *(f"{again[name] * 1e3:.2f}", f"{peaks[name] / 1e6:.2f}"),
        )
    return table


if __name__ == "__main__":
    main()
