"""What a hostile document costs until it is refused: time, and memory at its peak."""

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

ORDINARY: Final = """
{ tickets(first: 50) { nodes { id title status priority version createdAt updatedAt
    requester { id name } assignee { id name } allowed { to as } sla { resolutionDueAt } }
  pageInfo { hasNextPage endCursor } } }
"""
UNKNOWN: Final = "Unknown"
REFERENCE: Final = "an ordinary document, prepared anew"


def nested(opening: str, levels: int, closing: str) -> str:
    """Return brackets within brackets."""
    return opening * levels + closing * levels


def many(text: str, count: int) -> str:
    """Return a text many times, numbered."""
    return " ".join(text.format(number) for number in range(count))


DOCUMENTS: Final[Mapping[str, str]] = {
    "5,000 levels": nested("{ tickets ", 5_000, "}"),
    "45 KB of brackets without an end": "{a" * 22_500,
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
    "the whole schema 49 times": "{"
    + many("a{}: __schema {{ types {{ fields {{ name type {{ name kind }} }} }} }}", 49)
    + "}",
    "1,900 wrong fields": "{" + many("wings{}", 1_900) + "}",
}
TITLE: Final = f"""\
Milliseconds of computing until a hostile document is refused, median of {ROUNDS} rounds in turn
By the layer alone: HTTP refuses bodies above 256 KB before"""


def main() -> None:
    """Print times, their ratios to an ordinary document's, and peaks of memory."""
    executor = asyncio.run(interlock_executor())
    documents = {REFERENCE: ORDINARY, **DOCUMENTS}
    works = {name: refused_anew(executor, text) for name, text in documents.items()}
    for work in works.values():
        work(0)
    rounds = [
        {name: computing_seconds(partial(work, turn)) for name, work in works.items()}
        for turn in range(1, ROUNDS + 1)
    ]
    times = {name: median(each[name] for each in rounds) for name in works}
    print_table(table_of(times, {name: peak(work) for name, work in works.items()}))


def refused_anew(executor: GraphQLExecutor, text: str) -> Callable[[int], None]:
    """Return what has a document refused that is not kept ready; the ordinary one for its name."""

    def work(turn: int) -> None:
        request = GraphQLRequest(
            f"{text} #{turn}", operation_name=UNKNOWN if text == ORDINARY else None
        )
        asyncio.run(executor.execute(request, None))

    return work


def computing_seconds(work: Callable[[], object]) -> float:
    """Return how long this process computes in one call."""
    start = process_time()
    work()
    return process_time() - start


def peak(work: Callable[[int], None]) -> int:
    """Return the most bytes that a call holds at a time."""
    tracemalloc.start()
    work(ROUNDS + 1)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return most


def table_of(times: Mapping[str, float], peaks: Mapping[str, int]) -> Table:
    """Return the figures of every document."""
    table = new_table("document", *number_columns("ms", f"of {REFERENCE}", "peak MB"), title=TITLE)
    for name, taken in times.items():
        ratio = taken / times[REFERENCE]
        table.add_row(name, f"{taken * 1e3:.2f}", f"{ratio:.2f}", f"{peaks[name] / 1e6:.2f}")
    return table


if __name__ == "__main__":
    main()
