"""A plan for a thousand workflows and ten thousand items over a million tickets, and its apply."""

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
from reconciler.apply import ApplyRequest, apply_plan
from reconciler.desired import Desired, read_desired
from reconciler.document import parse_plan, serialize_plan
from reconciler.hazards import Allowances
from reconciler.plan import Plan
from reconciler.planner import make_plan
from reconciler.values import ValuesInput, read_values

SIZES: Final = {"quarter": WHOLE.part(4), "half": WHOLE.part(2), "whole": WHOLE}
AGED, EMPTY = "aged", "empty"
"""The whole with its history, and a database in which nothing was ever declared."""
REPLAYED_DAYS: Final = 90
FILE: Final = "values.yaml"
MEANT: Final = ApplyRequest(SYSTEM, Allowances(WHOLE.tickets, widening=True, many_retired=True))

BARE_COUNT: Final = "SELECT count(*) FROM tickets WHERE status <> 'CLOSED'"
BARE_SCAN: Final = """
SELECT count(*) FROM ticket_status_history WHERE at >= clock_timestamp() - make_interval(days => $1)
"""
BARE_WRITES: Final = """
LOCK TABLE tickets IN EXCLUSIVE MODE;
INSERT INTO workflow_revisions (workflow, declaration, digest, policy, reconciliation)
SELECT workflow, declaration, digest, workflows.policy, workflows.reconciliation
FROM workflows JOIN workflow_revisions ON workflow_revisions.id = workflows.revision;
UPDATE workflows SET revision = revision"""
"""As many revisions and workflows as a plan for all of them writes, in one transaction."""
COMPARED: Final = (
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
"""What is compared with what, and the most that the ratio may be."""
TITLE: Final = f"""\
{WHOLE.workflows:,} workflows, {WHOLE.items:,} items, {WHOLE.tickets:,} tickets, 85 % of them closed
Medians of {ROUNDS} rounds; embedded PostgreSQL, default settings"""
CAPTION: Final = """\
quarter, half, whole: so much of it; no history. aged: whole, with 4,000,000 entries of history
empty: nothing is declared yet, and there are no tickets; the plan creates everything
Plans of the others change every workflow, and affect its tickets in each status
bare C events: ruamel's parser over the same text, events not looked at
bare count: of all live tickets; bare scan: of the entries of 90 days; both on a bare connection
json: json.loads and json.dumps of the same document
tickets locked: the longest time that somebody waited who changes a ticket meanwhile
bare SQL: as many revisions and workflows written by two statements, from what is there"""


@dataclass(frozen=True, slots=True)
class Estate:
    """A database, and the size of what is declared in it."""

    url: str
    database: Database
    size: Size

    def desired(self, role: Role) -> Desired:
        """Return what its values file asks for, read anew: nothing is known of it yet."""
        return read_desired(ValuesInput([(FILE, values(self.size, role))]))


def main() -> None:
    """Print medians and ratios."""
    seconds = asyncio.run(medians_by_name(reading))
    with temporary_server() as server:
        seconds |= uvloop.run(measured(server))
    taken = with_shares(seconds)
    rows = [comparison(taken, *each) for each in COMPARED]
    print_table(comparison_table(rows, title=TITLE, caption=CAPTION))


async def measured(server: str) -> Seconds:
    """Set the databases up, and measure."""
    urls = await set_up(server)
    async with AsyncExitStack() as stack:
        estates = {
            name: Estate(
                url, await stack.enter_async_context(open_database(url)), SIZES.get(name, WHOLE)
            )
            for name, url in urls.items()
        }
        aged = estates[AGED]
        roles = cycle((Role.REQUESTER, Role.ANY))
        return {
            **await medians_by_name(
                *(partial(planning, estate, name) for name, estate in estates.items())
            ),
            **await medians_by_name(partial(looking_into, aged)),
            **await medians_by_name(partial(writing_documents, estates[EMPTY])),
            **await medians_by_name(lambda: applying(aged, next(roles))),
        }


async def set_up(server: str) -> dict[str, str]:
    """Make all databases, and return their addresses by name."""
    urls = {
        name: await large_declaration.populated(server, name, size) for name, size in SIZES.items()
    }
    urls[AGED] = await large_declaration.copied(server, AGED, "whole")
    urls[EMPTY] = await large_declaration.created(server, EMPTY)
    await migrate(urls[EMPTY])
    await large_declaration.write_history(urls[AGED])
    return urls


# --- what is timed ------------------------------------------------------------------------------


async def reading() -> Seconds:
    """Read the values file, with and without checking what it declares."""
    seconds: Seconds = {}
    text = values(WHOLE, Role.ANY)
    with timed(seconds, "bare C events"):
        drain(text)
    with timed(seconds, "read values"):
        read_values(ValuesInput([(FILE, text)]))
    with timed(seconds, "read and check values"):
        read_desired(ValuesInput([(FILE, text)]))
    return seconds


async def planning(at: Estate, name: str) -> Seconds:
    """Plan for other roles in all workflows."""
    seconds: Seconds = {}
    desired = at.desired(Role.REQUESTER)
    with timed(seconds, f"plan {name}"):
        await planned(at, desired)
    return seconds


async def planned(at: Estate, desired: Desired, replay_days: int | None = None) -> Plan:
    """Return the plan for what is desired."""
    async with at.database.snapshot() as session:
        return await make_plan(session, desired, "benchmark", replay_days=replay_days)


async def looking_into(at: Estate) -> Seconds:
    """Count live tickets and replay the history, and both as bare as can be."""
    seconds: Seconds = {}
    desired = at.desired(Role.ANY)
    connection = await asyncpg.connect(at.url)
    with timed(seconds, "count live tickets"):
        await count_live_tickets(at.database)
    with timed(seconds, "bare count"):
        await connection.fetchval(BARE_COUNT)
    with timed(seconds, "replay 90 days"):
        await planned(at, desired, REPLAYED_DAYS)
    with timed(seconds, "bare scan"):
        await connection.fetchval(BARE_SCAN, REPLAYED_DAYS)
    await connection.close()
    return seconds


async def writing_documents(at: Estate) -> Seconds:
    """Write a plan that creates everything, and read it back."""
    seconds: Seconds = {}
    plan = await planned(at, at.desired(Role.ANY))
    with timed(seconds, "write document"):
        text = serialize_plan(plan).text
    with timed(seconds, "read document"):
        parse_plan(text, FILE)
    with timed(seconds, "json"):
        json.dumps(json.loads(text))
    return seconds


async def applying(at: Estate, role: Role) -> Seconds:
    """Apply a plan that changes all workflows while somebody else works on tickets."""
    seconds: Seconds = {}
    plan = await planned(at, at.desired(role))
    with (
        measure_longest_wait(at.url, seconds, "tickets locked"),
        timed(seconds, "apply 1,000 workflows"),
    ):
        await apply_plan(at.database, plan, MEANT)
    with measure_longest_wait(at.url, seconds, "bare SQL"):
        await bare_writes(at.url)
    return seconds


async def bare_writes(url: str) -> None:
    """Write as many rows as the plan did."""
    connection = await asyncpg.connect(url)
    await connection.execute(BARE_WRITES)
    await connection.close()


# --- what is said of it -------------------------------------------------------------------------


def with_shares(seconds: Seconds) -> Seconds:
    """Return times with those of planning by the line, as well."""
    lines = {name: len(values(size, Role.ANY).splitlines()) for name, size in SIZES.items()}
    shares = {f"a line of {name}": seconds[f"plan {name}"] / lines[name] for name in SIZES}
    return seconds | shares


def comparison(seconds: Seconds, what: str, reference: str, most: float | None) -> Comparison:
    """Return a row: what was timed, a reference, and the ratio that is aimed at."""
    ours, its = seconds[what], seconds[reference]
    aim = f" (at most {most})" if most else ""
    return what, shown(ours), reference, shown(its), f"{ours / its:.2f}{aim}"


def shown(seconds: float) -> str:
    """Return a time for people."""
    return f"{seconds:.3f} s" if seconds > 0.001 else f"{seconds * 1e6:.1f} us"


if __name__ == "__main__":
    main()
