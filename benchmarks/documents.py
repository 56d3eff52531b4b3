"""What documents take that are kept ready: memory, against what they are taken for."""

import asyncio
import gc
import re
import time
import tracemalloc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import product
from typing import Final

from rich.table import Table

from api.graphql.documents.prepare import DocumentCache
from api.graphql.executor import GraphQLExecutor, GraphQLRequest
from api.graphql.interlock import interlock_executor
from api.licence import read_licence
from api.limits import GraphQLLimits, Limits
from api.runtime.plugins import PluginCache
from api.runtime.server_state import ServerState
from benchmarks.databases import temporary_server
from benchmarks.rejected_queries import UNKNOWN, many
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.ticket_load import ASSIGNEE, TicketSet, prepare_database, ticket_id
from engine.storage.postgres.database import open_database

TICKET: Final = f'ticket(id: "{ticket_id(TicketSet.PLAIN, 0)}")'
FIELDS: Final = """
    id title description status priority workflow version createdAt updatedAt assigneeGroup
    requester { id name } assignee { id name }
"""
ALIASES: Final = many("a{}: id", 190)
CONDITIONS: Final = ("a", "b", "c")
ASKED: Final = ", ".join(f"${name}: Boolean!" for name in CONDITIONS)
SKIPPED: Final = " ".join(f"{name}: title @skip(if: ${name})" for name in CONDITIONS)
NAMES: Final = re.compile(r"query (\w+)")
UNBOUNDED: Final = GraphQLLimits(prepared_documents=10**6, prepared_documents_bytes=10**12)
TITLE: Final = """\
Bytes that one document takes, of many different ones: read and converted, and after every
operation has been executed with every set of answers to its conditions"""


@dataclass(frozen=True, slots=True)
class DocumentCase:
    """Documents of one kind.

    Attributes:
        count: how many of them are measured.
        text: of the document of a number.
        conditions: the variables that its `@skip` asks.

    """

    count: int
    text: Callable[[int], str]
    conditions: Sequence[str] = ()

    def requests(self, number: int) -> list[GraphQLRequest]:
        """Return what executes a document in every way that there is."""
        text = self.text(number)
        answers = list(product((False, True), repeat=len(self.conditions)))
        return [
            GraphQLRequest(text, dict(zip(self.conditions, each, strict=True)), name)
            for name in NAMES.findall(text) or [None]
            for each in answers
        ]


CASES: Final[Mapping[str, DocumentCase]] = {
    "one field": DocumentCase(300, lambda n: f"{{ a{n}: __typename }}"),
    "a ticket": DocumentCase(300, lambda n: f"{{ a{n}: {TICKET} {{ {FIELDS} }} }}"),
    "a list": DocumentCase(
        300, lambda n: f"{{ a{n}: tickets(first: 1) {{ nodes {{ {FIELDS} }} }} }}"
    ),
    "the schema": DocumentCase(
        20, lambda n: f"{{ s{n}: __schema {{ {many('a{}: queryType {{ name }}', 190)} }} }}"
    ),
    "a ticket's fields 10 times": DocumentCase(
        20, lambda n: f"{{ t{n}: {TICKET} {{ {FIELDS * 10} }} }}"
    ),
    "190 aliases": DocumentCase(20, lambda n: f"{{ t{n}: {TICKET} {{ {ALIASES} }} }}"),
    "190 aliases of people": DocumentCase(
        20, lambda n: f"{{ t{n}: {TICKET} {{ {many('a{}: requester {{ id }}', 190)} }} }}"
    ),
    "one field in 60 operations, on conditions": DocumentCase(
        2,
        lambda n: (
            many(f"query Q{{}}({ASKED}) {{{{ ...F }}}}", 60)
            + f"fragment F on Query {{ t{n}: __typename ...G @skip(if: $a) ...G @skip(if: $b) }}"
            + "fragment G on Query { __typename @skip(if: $c) }"
        ),
        CONDITIONS,
    ),
    "190 aliases in 150 operations": DocumentCase(
        2,
        lambda n: (
            many("query Q{} {{ ...F }}", 150)
            + f"fragment F on Query {{ t{n}: {TICKET} {{ {ALIASES} }} }}"
        ),
    ),
    "the same in 40, on conditions": DocumentCase(
        2,
        lambda n: (
            many(f"query Q{{}}({ASKED}) {{{{ ...F }}}}", 40)
            + f"fragment F on Query {{ t{n}: {TICKET} {{ {SKIPPED} {ALIASES} }} }}"
        ),
        CONDITIONS,
    ),
}


@dataclass(frozen=True, slots=True)
class MemoryUse:
    """What one document takes: characters of text, else bytes."""

    text: int
    prepared: float
    executed: float
    at_most: int


def main() -> None:
    """Print the figures."""
    with temporary_server() as url:
        taken = asyncio.run(measured(url))
    print_table(table_of(taken))


async def measured(url: str) -> Mapping[str, MemoryUse]:
    """Return what the documents of each kind take."""
    await prepare_database(url)
    async with open_database(url) as database:
        plugins = await PluginCache.read(database, read_licence(None, None), time.time)
        live = await ServerState.read(database, Limits(), plugins)
        return {name: await taken(case, live) for name, case in CASES.items()}


async def taken(case: DocumentCase, live: ServerState) -> MemoryUse:
    """Return what one document takes, on the average of all of the kind."""
    executor = await interlock_executor(UNBOUNDED)
    for request in case.requests(case.count):
        await execute(executor, request, live)
    texts = [case.text(number) for number in range(case.count)]
    with traced() as held:
        for text in texts:
            await executor.execute(GraphQLRequest(text, operation_name=UNKNOWN), None)
        prepared = held() / case.count
        for number in range(case.count):
            for request in case.requests(number):
                await execute(executor, request, live)
        executed = held() / case.count
    document = DocumentCache(executor.schema, UNBOUNDED).get(texts[0])
    return MemoryUse(len(texts[0]), prepared, executed, document.max_memory_bytes)


async def execute(executor: GraphQLExecutor, request: GraphQLRequest, live: ServerState) -> None:
    """Execute a request.

    Raises:
        RuntimeError: it is not answered as a whole.

    """
    response = await executor.execute(request, await live.context_for(ASSIGNEE))
    if "errors" in response.body:
        raise RuntimeError(f"{request.query}: {response.body['errors']}")


@contextmanager
def traced() -> Iterator[Callable[[], int]]:
    """Yield what tells how many bytes are held that were taken in the block."""

    def held() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    gc.collect()
    tracemalloc.start()
    try:
        yield held
    finally:
        tracemalloc.stop()


def table_of(taken: Mapping[str, MemoryUse]) -> Table:
    """Return the figures of every kind."""
    columns = number_columns("characters", "prepared", "executed", "taken for", "ratio")
    table = new_table("document", *columns, title=TITLE)
    for name, each in taken.items():
        sizes = (each.text, each.prepared, each.executed, each.at_most)
        ratio = each.executed / each.at_most
        table.add_row(name, *(f"{size:,.0f}" for size in sizes), f"{ratio:.2f}")
    return table


if __name__ == "__main__":
    main()
