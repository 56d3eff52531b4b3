"""The memory that prepared documents use, against its estimate."""

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

from pydantic import SecretStr
from rich.table import Table

from api.bootstrap.engine import open_engine
from api.graphql.documents.prepare import DocumentCache
from api.graphql.executor import GraphQLExecutor, GraphQLRequest
from api.graphql.interlock import interlock_executor
from api.licence import read_licence
from api.limits import GraphQLLimits
from api.runtime.plugins import PluginCache
from api.runtime.server_state import ServerState
from api.settings import Settings
from benchmarks.databases import temporary_server
from benchmarks.rejected_queries import UNKNOWN, many
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.ticket_load import ASSIGNEE, TicketSet, prepare_database, ticket_id
from engine.vocabulary import Assignees

_TICKET: Final = f'ticket(id: "{ticket_id(TicketSet.PLAIN, 0)}")'
_FIELDS: Final = """
    id title description status priority workflow version createdAt updatedAt assigneeGroup
    requester { id name } assignee { id name }
"""
_ALIASES: Final = many("a{}: id", 190)
_CONDITIONS: Final = ("a", "b", "c")
_VARIABLES: Final = ", ".join(f"${name}: Boolean!" for name in _CONDITIONS)
_CONDITIONAL: Final = " ".join(f"{name}: title @skip(if: ${name})" for name in _CONDITIONS)
_OPERATION_NAMES: Final = re.compile(r"query (\w+)")
_UNBOUNDED: Final = GraphQLLimits(prepared_documents=10**6, prepared_documents_bytes=10**12)
_TITLE: Final = """\
Average bytes of a document: prepared, and after every operation was executed with every
combination of its conditions"""


@dataclass(frozen=True, slots=True)
class _DocumentCase:
    """Documents of one kind.

    Attributes:
        count: the number of documents to measure.
        text: returns the text of the document with a number.
        conditions: the variables in the arguments of `@skip`.

    """

    count: int
    text: Callable[[int], str]
    conditions: Sequence[str] = ()

    def requests(self, number: int) -> list[GraphQLRequest]:
        """Return the requests that execute a document with every combination of conditions."""
        text = self.text(number)
        values = list(product((False, True), repeat=len(self.conditions)))
        return [
            GraphQLRequest(text, dict(zip(self.conditions, each, strict=True)), name)
            for name in _OPERATION_NAMES.findall(text) or [None]
            for each in values
        ]


_CASES: Final[Mapping[str, _DocumentCase]] = {
    "one field": _DocumentCase(300, lambda n: f"{{ a{n}: __typename }}"),
    "a ticket": _DocumentCase(300, lambda n: f"{{ a{n}: {_TICKET} {{ {_FIELDS} }} }}"),
    "a list": _DocumentCase(
        300, lambda n: f"{{ a{n}: tickets(first: 1) {{ nodes {{ {_FIELDS} }} }} }}"
    ),
    "introspection": _DocumentCase(
        20, lambda n: f"{{ s{n}: __schema {{ {many('a{}: queryType {{ name }}', 190)} }} }}"
    ),
    "a ticket's fields 10 times": _DocumentCase(
        20, lambda n: f"{{ t{n}: {_TICKET} {{ {_FIELDS * 10} }} }}"
    ),
    "190 aliases": _DocumentCase(20, lambda n: f"{{ t{n}: {_TICKET} {{ {_ALIASES} }} }}"),
    "190 aliases of users": _DocumentCase(
        20, lambda n: f"{{ t{n}: {_TICKET} {{ {many('a{}: requester {{ id }}', 190)} }} }}"
    ),
    "one field in 60 operations with conditions": _DocumentCase(
        2,
        lambda n: (
            many(f"query Q{{}}({_VARIABLES}) {{{{ ...F }}}}", 60)
            + f"fragment F on Query {{ t{n}: __typename ...G @skip(if: $a) ...G @skip(if: $b) }}"
            + "fragment G on Query { __typename @skip(if: $c) }"
        ),
        _CONDITIONS,
    ),
    "190 aliases in 150 operations": _DocumentCase(
        2,
        lambda n: (
            many("query Q{} {{ ...F }}", 150)
            + f"fragment F on Query {{ t{n}: {_TICKET} {{ {_ALIASES} }} }}"
        ),
    ),
    "190 aliases in 40 operations with conditions": _DocumentCase(
        2,
        lambda n: (
            many(f"query Q{{}}({_VARIABLES}) {{{{ ...F }}}}", 40)
            + f"fragment F on Query {{ t{n}: {_TICKET} {{ {_CONDITIONAL} {_ALIASES} }} }}"
        ),
        _CONDITIONS,
    ),
}


@dataclass(frozen=True, slots=True)
class _MemoryUse:
    """The size of one document: characters of text, and bytes of memory."""

    characters: int
    prepared: float
    executed: float
    estimate: int


def main() -> None:
    """Print the results."""
    with temporary_server() as url:
        results = asyncio.run(_measure(url))
    print_table(_results_table(results))


async def _measure(url: str) -> Mapping[str, _MemoryUse]:
    """Return the memory that a document of each kind uses."""
    await prepare_database(url)
    settings = Settings(database_url=SecretStr(url))
    async with open_engine(settings) as engine:
        plugins = await PluginCache.read(engine.databases, read_licence(None, None), time.time)
        state = await ServerState.read(engine.databases, settings.limits, plugins, Assignees.KNOWN)
        return {name: await _measure_case(case, state) for name, case in _CASES.items()}


async def _measure_case(case: _DocumentCase, state: ServerState) -> _MemoryUse:
    """Return the average memory that a document of a kind uses."""
    executor = await interlock_executor(_UNBOUNDED)
    for request in case.requests(case.count):
        await _execute(executor, request, state)
    texts = [case.text(number) for number in range(case.count)]
    with _traced_memory() as allocated:
        for text in texts:
            await executor.execute(GraphQLRequest(text, operation_name=UNKNOWN), None)
        prepared = allocated() / case.count
        for number in range(case.count):
            for request in case.requests(number):
                await _execute(executor, request, state)
        executed = allocated() / case.count
    document = DocumentCache(executor.schema, _UNBOUNDED).get(texts[0])
    return _MemoryUse(len(texts[0]), prepared, executed, document.max_memory_bytes)


async def _execute(executor: GraphQLExecutor, request: GraphQLRequest, state: ServerState) -> None:
    """Execute a request.

    Raises:
        RuntimeError: the response has errors.

    """
    response = await executor.execute(request, await state.context_for(ASSIGNEE))
    if "errors" in response.body:
        raise RuntimeError(f"{request.query}: {response.body['errors']}")


@contextmanager
def _traced_memory() -> Iterator[Callable[[], int]]:
    """Yield a function that returns the bytes that were allocated in the block and are in use."""

    def allocated() -> int:
        gc.collect()
        return tracemalloc.get_traced_memory()[0]

    gc.collect()
    tracemalloc.start()
    try:
        yield allocated
    finally:
        tracemalloc.stop()


def _results_table(results: Mapping[str, _MemoryUse]) -> Table:
    """Return a table of all kinds."""
    columns = number_columns("characters", "prepared", "executed", "estimate", "ratio")
    table = new_table("document", *columns, title=_TITLE)
    for name, each in results.items():
        sizes = (each.characters, each.prepared, each.executed, each.estimate)
        ratio = each.executed / each.estimate
        table.add_row(name, *(f"{size:,.0f}" for size in sizes), f"{ratio:.2f}")
    return table


if __name__ == "__main__":
    main()
