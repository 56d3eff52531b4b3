"""Plan and apply a declaration of 1,000 workflows and 10,000 items over 1,000,000 tickets."""

import asyncio
import json
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from itertools import cycle
from typing import Final

import asyncpg
import uvloop

from benchmarks import large_declaration
from benchmarks.databases import temporary_server
from benchmarks.engine import drain
from benchmarks.large_declaration import WHOLE, Size, values
from benchmarks.lock_probe import measure_longest_wait
from benchmarks.tables import Comparison, comparison_table, print_table
from benchmarks.timing import ROUNDS, Seconds, medians_by_name, timed
from engine.storage.migrate import migrate
from engine.storage.postgres.database import Database, open_database
from engine.storage.resources.ticket_counts import count_live_tickets
from engine.vocabulary import SYSTEM, Role
from reconciler.allowances import Allowances
from reconciler.apply import ApplyRequest, apply_plan
from reconciler.desired import Desired, read_desired
from reconciler.document.parse import parse_plan
from reconciler.document.serialize import serialize_plan
from reconciler.plan import Plan
from reconciler.planner import PlanExtras, make_plan
from reconciler.values import ValuesInput, read_values

_SIZES: Final = {"quarter": WHOLE.part(4), "half": WHOLE.part(2), "whole": WHOLE}
_AGED, _EMPTY = "aged", "empty"
"""The whole database with its history, and a database without a declaration."""
_REPLAYED_DAYS: Final = 90
_FILE: Final = "values.yaml"
_ALLOWED: Final = Allowances(WHOLE.tickets, widening=True, many_retired=True, empty=True)
_REQUEST: Final = ApplyRequest(SYSTEM, _ALLOWED)

_BARE_COUNT: Final = "SELECT count(*) FROM tickets WHERE status <> 'CLOSED'"
_BARE_SCAN: Final = """
SELECT count(*) FROM ticket_status_history WHERE at >= clock_timestamp() - make_interval(days => $1)
"""
_BARE_WRITES: Final = """
LOCK TABLE tickets IN EXCLUSIVE MODE;
INSERT INTO workflow_revisions (id, workflow, declaration, policy, reconciliation, digest)
SELECT (SELECT max(id) FROM workflow_revisions) + row_number() OVER (), workflow, declaration,
       workflows.policy, workflows.reconciliation, digest
FROM workflows JOIN workflow_revisions ON workflow_revisions.id = workflows.revision;
UPDATE workflows SET revision = revision"""
"""Writes as many revisions and workflows as a plan that changes all workflows."""
_COMPARED: Final = (
    ("read values", "bare C events", 3),
    ("read and check values", "bare C events", None),
    ("a line of half", "a line of quarter", 1.3),
    ("a line of whole", "a line of quarter", 1.3),
    ("plan whole", "read and check values", None),
    ("plan empty", "plan whole", None),
    ("plan aged", "plan whole", 1.2),
    ("count live tickets", "bare count", None),
    ("replay 90 days", "bare scan", None),
    ("write document", "json", None),
    ("read document", "json", None),
    ("apply 1,000 workflows", "plan aged", None),
    ("tickets locked", "bare SQL", None),
)
"""A name, its reference, and the limit of their ratio if there is one."""
_TITLE: Final = f"""\
{WHOLE.workflows:,} workflows, {WHOLE.items:,} items, {WHOLE.tickets:,} tickets, 85 % of them closed
Medians of {ROUNDS} rounds; embedded PostgreSQL, default settings"""
_CAPTION: Final = """\
quarter, half, whole: that share of the declaration, without history
aged: the whole, with 4,000,000 entries of history
empty: no declaration and no tickets; the plan creates every resource
The plans for the others change every workflow and affect its tickets in each status
bare C events: ruamel's parser for the same text, without processing the events
bare count: of all live tickets; bare scan: of the entries of 90 days; both in plain asyncpg
json: json.loads and json.dumps of the same document
tickets locked: the longest wait of a concurrent change of a ticket
bare SQL: two statements that write as many revisions and workflows"""


@dataclass(frozen=True, slots=True)
class _Declared:
    """A database with a declaration of this size."""

    url: str
    database: Database
    size: Size

    def read_desired(self, role: Role) -> Desired:
        """Read its values file; nothing is cached."""
        return read_desired(ValuesInput([(_FILE, values(self.size, role))]))


def main() -> None:
    """Print medians and ratios."""
    seconds = asyncio.run(medians_by_name(_time_reading))
    with temporary_server() as server:
        seconds |= uvloop.run(_measure(server))
    taken = _with_times_per_line(seconds)
    rows = [_comparison(taken, *each) for each in _COMPARED]
    print_table(comparison_table(rows, title=_TITLE, caption=_CAPTION))


async def _measure(server: str) -> Seconds:
    """Create the databases, and measure."""
    urls = await _set_up(server)
    async with AsyncExitStack() as stack:
        databases = {
            name: _Declared(
                url, await stack.enter_async_context(open_database(url)), _SIZES.get(name, WHOLE)
            )
            for name, url in urls.items()
        }
        aged = databases[_AGED]
        roles = cycle((Role.REQUESTER, Role.ANY))
        return {
            **await medians_by_name(
                *(partial(_time_planning, database, name) for name, database in databases.items())
            ),
            **await medians_by_name(partial(_time_queries, aged)),
            **await medians_by_name(partial(_time_documents, databases[_EMPTY])),
            **await medians_by_name(lambda: _time_applying(aged, next(roles))),
        }


async def _set_up(server: str) -> dict[str, str]:
    """Create all databases, and return their URLs by name."""
    urls = {
        name: await large_declaration.create_with_tickets(server, name, size)
        for name, size in _SIZES.items()
    }
    urls[_AGED] = await large_declaration.copy(server, _AGED, "whole")
    urls[_EMPTY] = await large_declaration.create(server, _EMPTY)
    await migrate(urls[_EMPTY])
    await large_declaration.write_history(urls[_AGED])
    return urls


# --- timed functions ----------------------------------------------------------------------------


async def _time_reading() -> Seconds:
    """Time reading the values file, with and without validation."""
    seconds: Seconds = {}
    text = values(WHOLE, Role.ANY)
    with timed(seconds, "bare C events"):
        drain(text)
    with timed(seconds, "read values"):
        read_values(ValuesInput([(_FILE, text)]))
    with timed(seconds, "read and check values"):
        read_desired(ValuesInput([(_FILE, text)]))
    return seconds


async def _time_planning(at: _Declared, name: str) -> Seconds:
    """Time a plan with other roles in all workflows."""
    seconds: Seconds = {}
    desired = at.read_desired(Role.REQUESTER)
    with timed(seconds, f"plan {name}"):
        await _plan_at(at, desired)
    return seconds


async def _plan_at(at: _Declared, desired: Desired, replay_days: int | None = None) -> Plan:
    async with at.database.snapshot() as session:
        return await make_plan(session, desired, "benchmark", extras=PlanExtras(replay_days))


async def _time_queries(at: _Declared) -> Seconds:
    """Time the count of live tickets and the replay, and the same queries in plain asyncpg."""
    seconds: Seconds = {}
    desired = at.read_desired(Role.ANY)
    connection = await asyncpg.connect(at.url)
    with timed(seconds, "count live tickets"):
        await count_live_tickets(at.database)
    with timed(seconds, "bare count"):
        await connection.fetchval(_BARE_COUNT)
    with timed(seconds, "replay 90 days"):
        await _plan_at(at, desired, _REPLAYED_DAYS)
    with timed(seconds, "bare scan"):
        await connection.fetchval(_BARE_SCAN, _REPLAYED_DAYS)
    await connection.close()
    return seconds


async def _time_documents(at: _Declared) -> Seconds:
    """Time serializing and parsing a plan that creates every resource."""
    seconds: Seconds = {}
    plan = await _plan_at(at, at.read_desired(Role.ANY))
    with timed(seconds, "write document"):
        text = serialize_plan(plan).text
    with timed(seconds, "read document"):
        parse_plan(text, _FILE)
    with timed(seconds, "json"):
        json.dumps(json.loads(text))
    return seconds


async def _time_applying(at: _Declared, role: Role) -> Seconds:
    """Time applying a plan that changes all workflows while tickets change."""
    seconds: Seconds = {}
    plan = await _plan_at(at, at.read_desired(role))
    with (
        measure_longest_wait(at.url, seconds, "tickets locked"),
        timed(seconds, "apply 1,000 workflows"),
    ):
        await apply_plan(at.database, plan, _REQUEST)
    with measure_longest_wait(at.url, seconds, "bare SQL"):
        await _bare_writes(at.url)
    return seconds


async def _bare_writes(url: str) -> None:
    """Write as many rows as the plan."""
    connection = await asyncpg.connect(url)
    await connection.execute(_BARE_WRITES)
    await connection.close()


# --- results ------------------------------------------------------------------------------------


def _with_times_per_line(seconds: Seconds) -> Seconds:
    """Return durations, and those of planning divided by the lines of the values file."""
    lines = {name: len(values(size, Role.ANY).splitlines()) for name, size in _SIZES.items()}
    shares = {f"a line of {name}": seconds[f"plan {name}"] / lines[name] for name in _SIZES}
    return seconds | shares


def _comparison(seconds: Seconds, name: str, reference: str, most: float | None) -> Comparison:
    """Return a row with a duration, its reference, and their ratio."""
    ours, theirs = seconds[name], seconds[reference]
    limit = f" (at most {most})" if most else ""
    return name, _format_time(ours), reference, _format_time(theirs), f"{ours / theirs:.2f}{limit}"


def _format_time(seconds: float) -> str:
    """Return a duration in seconds, or in microseconds if it is short."""
    return f"{seconds:.3f} s" if seconds > 0.001 else f"{seconds * 1e6:.1f} us"


if __name__ == "__main__":
    main()
