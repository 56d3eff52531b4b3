"""Time pages of the web UI against the GraphQL answers with the same data."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from statistics import median, quantiles
from time import perf_counter
from typing import Final

import aiohttp
import uvloop

from benchmarks.databases import declare, execute_unchecked, temporary_server
from benchmarks.processes import serving
from benchmarks.synthetic_data import insert_comments, insert_tickets
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.timing import ratio
from benchmarks.tokens import SECRET, token_of
from engine.tickets.actor import Actor
from engine.tickets.sla_targets import SlaTerms, targets_for
from engine.tickets.ticket import Opening
from engine.vocabulary import Priority

TICKETS: Final = 1_000_000
ROUNDS: Final = 200
_ACTOR: Final = Actor("u_7", "Person 7", frozenset({"group-7", "group-20", "group-49"}))
_SERVER: Final = "benchmarks.socket_servers"
_LIMITS: Final = "address_rate=0 viewer_rate=0"
_OPENING: Final = Opening(
    *("", "", Priority.HIGH, "incident_response", "u_1"),
    sla=targets_for(Priority.HIGH, SlaTerms()),
)
_INSERT_ENTRIES: Final = """
INSERT INTO ticket_status_history
SELECT id, seq, created_at, requester, CASE seq WHEN 1 THEN 'created' ELSE 'comment' END, NULL,
       CASE seq WHEN 1 THEN 'OPEN' ELSE description END, 2, 1, CASE seq WHEN 1 THEN $1 END, '\\x00'
FROM tickets CROSS JOIN generate_series(1, 3) seq
"""
_ROW: Final = """
id title status priority version assigneeGroup updatedAt requester { id name } assignee { id name }
sla { responseDueAt resolutionDueAt responseBreached resolutionBreached
  responseRemaining resolutionRemaining }
"""
_LIST: Final = f"""
query ($filter: TicketFilter) {{
  tickets(first: 50, filter: $filter) {{ nodes {{ {_ROW} }} pageInfo {{ endCursor hasNextPage }} }}
}}
"""
_TICKET: Final = f"""
query ($id: ID!) {{
  ticket(id: $id) {{
    {_ROW} description createdAt
    transitions {{ to allowed reason message allowedRoles shortestPath }}
    history(last: 50) {{ seq at kind from to comment reason actorUser {{ id name }} }}
    workflowDefinition {{ name displayName transitions {{ from to role }} }}
  }}
}}
"""
_FILTERS: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    "list of 50": ("", {}),
    "my groups, live": (
        "?myGroups=true&status=OPEN&status=IN_PROGRESS",
        {"myGroups": True, "status": ["OPEN", "IN_PROGRESS"]},
    ),
    "a word in 1 %": ("?text=word300", {"text": "word300"}),
}
TITLE: Final = f"""\
Milliseconds for a page and for the GraphQL answer with the same data, one at a time
{TICKETS:,} tickets, medians of {ROUNDS} alternating rounds; ratio: page / GraphQL answer"""


def main() -> None:
    """Print medians, 99th percentiles, sizes and ratios."""
    with temporary_server() as url:
        uvloop.run(_prepare(url))
        settings = {
            "INTERLOCK_DATABASE_URL": url,
            "INTERLOCK_JWT_SECRET": SECRET.get_secret_value(),
            "INTERLOCK_PORT": "0",
            "INTERLOCK_LIMITS": _LIMITS,
        }
        with serving(_SERVER, "interlock", settings=settings) as served:
            uvloop.run(_measure(served.address))


async def _prepare(url: str) -> None:
    await declare(url)
    await insert_tickets(url, TICKETS)
    await insert_comments(url)
    await execute_unchecked(url, _INSERT_ENTRIES, _OPENING.details)


async def _measure(address: str) -> None:
    columns = number_columns("page ms", "p99 ms", "KB", "GraphQL ms", "ratio")
    table = new_table("what", *columns, title=TITLE)
    async with _session(address) as session:
        newest = await _graphql(session, _LIST, {})
        ticket = newest["data"]["tickets"]["nodes"][0]["id"]
        rows: dict[str, tuple[str, str, Mapping[str, object]]] = {
            **{
                name: (f"/tickets{query}", _LIST, {"filter": wanted})
                for name, (query, wanted) in _FILTERS.items()
            },
            "ticket": (f"/tickets/{ticket}", _TICKET, {"id": ticket}),
        }
        times: dict[str, tuple[list[float], list[float]]] = {name: ([], []) for name in rows}
        sizes: dict[str, int] = {}
        for round_number in range(ROUNDS + 1):
            for name, (path, document, variables) in rows.items():
                started = perf_counter()
                sizes[name] = await _page(session, path)
                between = perf_counter()
                await _graphql(session, document, variables)
                ended = perf_counter()
                if round_number > 0:
                    times[name][0].append(between - started)
                    times[name][1].append(ended - between)
    for name, (pages, answers) in times.items():
        table.add_row(
            *(name, f"{median(pages) * 1e3:.2f}", f"{quantiles(pages, n=100)[98] * 1e3:.2f}"),
            *(f"{sizes[name] / 1e3:.0f}", f"{median(answers) * 1e3:.2f}"),
            f"{ratio(pages, answers):.2f}",
        )
    print_table(table)


@asynccontextmanager
async def _session(address: str) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {token_of(_ACTOR)}"}
    async with aiohttp.ClientSession(address, headers=headers) as session:
        yield session


async def _page(session: aiohttp.ClientSession, path: str) -> int:
    """Read a page; return its size in bytes."""
    async with session.get(path) as response:
        response.raise_for_status()
        return len(await response.read())


async def _graphql(
    session: aiohttp.ClientSession, document: str, variables: Mapping[str, object]
) -> dict[str, dict[str, dict[str, list[dict[str, str]]]]]:
    body = {"query": document, "variables": variables}
    async with session.post("/graphql", json=body) as response:
        answer: dict[str, dict[str, dict[str, list[dict[str, str]]]]] = await response.json()
    if "errors" in answer:
        raise RuntimeError(str(answer["errors"])[:500])
    return answer


if __name__ == "__main__":
    main()
