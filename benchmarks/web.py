"""Time pages of the web UI against the GraphQL answers with the same data."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles
from time import perf_counter
from typing import Final

import aiohttp
import uvloop

from api.web.rendering import HX_REQUEST
from benchmarks.databases import VACUUM, declare, execute_unchecked, temporary_server
from benchmarks.processes import Served, memory_bytes, serving
from benchmarks.synthetic_data import insert_comments, insert_entries, insert_tickets
from benchmarks.tables import new_table, number_columns, print_table
from benchmarks.timing import ratio
from benchmarks.tokens import SECRET, token_of
from engine.tickets.actor import Actor

TICKETS: Final = 1_000_000
ROUNDS: Final = 200
_CSV_PERIOD: Final = timedelta(days=110)
"""That of 100,000 tickets."""
_AGENT: Final = Actor("u_7", "Person 7", frozenset({"group-7", "group-20", "group-49"}))
_ADMIN: Final = Actor("u_8", "Person 8", is_admin=True)
_SERVER: Final = "benchmarks.socket_servers"
_LIMITS: Final = "address_rate=0 viewer_rate=0"
_SET_SLA_OF_NEWEST: Final = """
UPDATE tickets SET sla_version = version, response_breached = random() < 0.1
WHERE created_at > now() - interval '90 days'
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
_LIST_NAME: Final = "list of 50"
_FILTERS: Final[Mapping[str, tuple[str, Mapping[str, object]]]] = {
    _LIST_NAME: ("", {}),
    "my groups, live": (
        "?myGroups=true&status=OPEN&status=IN_PROGRESS",
        {"myGroups": True, "status": ["OPEN", "IN_PROGRESS"]},
    ),
    "waiting for me": ("?movableByMe=true", {"movableByMe": True}),
    "a word in 1 %": ("?text=word300", {"text": "word300"}),
}
_PAGES: Final[Mapping[str, str]] = {
    "insights, 90 days": "/insights?days=90",
    "a user whose name begins with": "/suggestions/users?search=Person+777",
}
"""Pages without a GraphQL answer of the same data."""
TITLE: Final = f"""\
Milliseconds for a page and for the GraphQL answer with the same data, one at a time
{TICKETS:,} tickets, medians of {ROUNDS} alternating rounds
ratio: page / GraphQL answer; without an answer, that of the list of 50"""


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
            uvloop.run(_download(served))


async def _prepare(url: str) -> None:
    await declare(url)
    await insert_tickets(url, TICKETS)
    await insert_comments(url)
    await insert_entries(url)
    await execute_unchecked(url, _SET_SLA_OF_NEWEST)
    await execute_unchecked(url, VACUUM)


@dataclass
class _Row:
    """A row of the table, and its times in seconds.

    Attributes:
        document, variables: of the GraphQL query; None for a page without one.

    """

    session: aiohttp.ClientSession
    path: str
    document: str | None = None
    variables: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    size: int = 0
    pages: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)

    async def measure(self) -> None:
        """Read the page, and then the answer."""
        started = perf_counter()
        async with self.session.get(self.path, headers=self.headers) as response:
            response.raise_for_status()
            self.size = len(await response.read())
        self.pages.append(perf_counter() - started)
        if self.document is not None:
            started = perf_counter()
            await _graphql(self.session, self.document, self.variables)
            self.answers.append(perf_counter() - started)

    def figures(self, reference: "_Row") -> tuple[str, ...]:
        """Return the columns of the row, without the warm-up round."""
        pages, answers = self.pages[1:], (self.answers or reference.answers)[1:]
        return (
            f"{median(pages) * 1e3:.2f}",
            f"{quantiles(pages, n=100)[98] * 1e3:.2f}",
            f"{self.size / 1e3:.0f}",
            f"{median(answers) * 1e3:.2f}" if self.answers else "",
            f"{ratio(pages, answers):.2f}",
        )


async def _measure(address: str) -> None:
    columns = number_columns("page ms", "p99 ms", "KB", "GraphQL ms", "ratio")
    table = new_table("what", *columns, title=TITLE)
    async with _session(address, _AGENT) as agent, _session(address, _ADMIN) as admin:
        newest = await _graphql(agent, _LIST, {})
        ticket = newest["data"]["tickets"]["nodes"][0]["id"]
        rows = {
            **{
                name: _Row(agent, f"/tickets{query}", _LIST, {"filter": wanted})
                for name, (query, wanted) in _FILTERS.items()
            },
            "waiting for me, an admin": _Row(
                admin, "/tickets?movableByMe=true", _LIST, {"filter": {"movableByMe": True}}
            ),
            "ticket": _Row(agent, f"/tickets/{ticket}", _TICKET, {"id": ticket}),
            "numbers of the views": _Row(agent, "/tickets/counts", headers={HX_REQUEST: "true"}),
            **{name: _Row(agent, path) for name, path in _PAGES.items()},
        }
        for _ in range(ROUNDS + 1):
            for row in rows.values():
                await row.measure()
    for name, row in rows.items():
        table.add_row(name, *row.figures(rows[_LIST_NAME]))
    print_table(table)


async def _download(served: Served) -> None:
    """Print how long a CSV takes, and how much memory the server needs for it."""
    since = (datetime.now(UTC) - _CSV_PERIOD).date()
    before, started = memory_bytes("VmHWM", served.pid), perf_counter()
    lines = size = 0
    async with (
        _session(served.address, _AGENT) as session,
        session.get(f"/tickets.csv?createdSince={since}") as response,
    ):
        async for chunk in response.content.iter_any():
            lines, size = lines + chunk.count(b"\n"), size + len(chunk)
    growth = memory_bytes("VmHWM", served.pid) - before
    columns = number_columns("tickets", "MB", "s", "memory of the server, MB more")
    table = new_table("CSV", *columns, title="A download of the newest tickets")
    seconds = perf_counter() - started
    table.add_row(
        "", f"{lines - 1:,}", f"{size / 1e6:.0f}", f"{seconds:.1f}", f"{growth / 1e6:.0f}"
    )
    print_table(table)


@asynccontextmanager
async def _session(address: str, actor: Actor) -> AsyncIterator[aiohttp.ClientSession]:
    headers = {"Authorization": f"Bearer {token_of(actor)}"}
    async with aiohttp.ClientSession(address, headers=headers) as session:
        yield session


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
