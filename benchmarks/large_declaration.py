"""An estate to plan for: a declaration of any size, and the tickets that live under it."""

import asyncio
from dataclasses import dataclass
from typing import Final

from sqlalchemy.engine import make_url

from benchmarks.databases import VACUUM, declare, execute_unchecked
from engine.vocabulary import Role, Status
from reconciler.desired import read_desired
from reconciler.values import ValuesInput

CATEGORIES: Final = 20

MOVES: Final = (
    (Status.OPEN, Status.IN_PROGRESS),
    (Status.OPEN, Status.CLOSED),
    (Status.IN_PROGRESS, Status.OPEN),
    (Status.IN_PROGRESS, Status.RESOLVED),
    (Status.RESOLVED, Status.IN_PROGRESS),
    (Status.RESOLVED, Status.CLOSED),
    (Status.CLOSED, Status.OPEN),
)


@dataclass(frozen=True, slots=True)
class Size:
    """How much there is."""

    workflows: int
    items: int
    tickets: int

    def part(self, parts: int) -> "Size":
        """Return an even part of it."""
        return Size(self.workflows // parts, self.items // parts, self.tickets // parts)


WHOLE: Final = Size(workflows=1_000, items=10_000, tickets=1_000_000)


def values(size: Size, role: Role) -> str:
    """Return a values file: ten lines a workflow, four an item; `role` may make every move."""
    return "".join(
        (
            "ticketing:\n  defaultWorkflows: false\n  workflows:\n",
            *(workflow(number, role) for number in range(size.workflows)),
            "  catalog:\n    categories:\n",
            *(category(number) for number in range(CATEGORIES)),
            "    items:\n",
            *(item(number, size) for number in range(size.items)),
        )
    )


def workflow(number: int, role: Role) -> str:
    """Return the declaration of a workflow."""
    moves = "".join(
        f"        - {{from: {source}, to: {target}, role: {role}}}\n" for source, target in MOVES
    )
    return (
        f"    - name: workflow_{number}\n      displayName: Number {number}\n"
        f"      transitions:\n{moves}"
    )


def category(number: int) -> str:
    """Return the declaration of a category."""
    return f"      - {{name: category_{number}, displayName: Category {number}}}\n"


def item(number: int, size: Size) -> str:
    """Return the declaration of an item."""
    return (
        f"      - name: item_{number}\n        category: category_{number % CATEGORIES}\n"
        f"        displayName: Item {number}\n"
        f"        workflow: workflow_{number % size.workflows}\n"
    )


# --- tickets ------------------------------------------------------------------------------------

USERS: Final = "INSERT INTO users (id) SELECT 'u_' || n FROM generate_series(0, 999) AS n"
TICKETS: Final = """
INSERT INTO tickets (id, title, description, status, priority, workflow, requester, assignee,
                     created_at, updated_at, version, head_digest)
SELECT 'tk_' || lpad(to_hex(n), 32, '0'), 'Payments fail', repeat('Cards are declined. ', 10),
       CASE WHEN n * 7919 % 100 < 85 THEN 'CLOSED'
            ELSE ('{OPEN,IN_PROGRESS,RESOLVED}'::text[])[1 + n % 3] END,
       'MEDIUM', 'workflow_' || floor(workflows * power((n * 7919 % tickets)::float / tickets, 2)),
       'u_' || n % 1000, 'u_' || (n + 1) % 1000, at, at, 4, sha256('')
FROM (SELECT $1::bigint AS tickets, $2::bigint AS workflows) AS size,
     LATERAL generate_series(0, tickets - 1) AS n,
     LATERAL (SELECT now() - interval '2 years' * (n::float / tickets) AS at) AS opened
"""
"""85 % are closed; the busiest workflow has one in thirty, the quietest one in two thousand.
7919 is a prime: neighbours in time are no neighbours in anything else."""
HISTORY: Final = """
INSERT INTO ticket_status_history (ticket, seq, at, actor, kind, old_value, new_value, actor_bits,
                                   workflow_revision, digest)
SELECT id, seq, created_at, CASE WHEN seq % 2 = 0 THEN assignee ELSE requester END,
       CASE seq WHEN 1 THEN 'created' ELSE 'status' END, statuses[seq - 1], statuses[seq],
       CASE WHEN seq % 2 = 0 THEN 1 ELSE 2 END, 1, head_digest
FROM tickets, generate_series(1, version) AS seq,
     (SELECT '{OPEN,IN_PROGRESS,RESOLVED,CLOSED}'::text[] AS statuses) AS all_there_are
WHERE hashtext(id) & 1 = $1
"""
"""Every ticket went the whole way, half of them at a time; no digest is read here, so none is."""


async def populated(server: str, name: str, size: Size) -> str:
    """Make a database in which a declaration is in force over its tickets; return its address.

    The tickets have no history yet.
    """
    url = await created(server, name)
    await declare(url, read_desired(ValuesInput([(name, values(size, Role.ANY))])))
    await execute_unchecked(url, USERS)
    await execute_unchecked(url, TICKETS, size.tickets, size.workflows)
    await execute_unchecked(url, VACUUM)
    return url


async def created(server: str, name: str) -> str:
    """Make a database with nothing in it; return its address."""
    await execute_unchecked(server, f"CREATE DATABASE {name}")
    return address(server, name)


async def copied(server: str, name: str, original: str) -> str:
    """Make a copy of a database that nobody uses now; return its address."""
    await execute_unchecked(server, f"CREATE DATABASE {name} TEMPLATE {original}")
    return address(server, name)


def address(server: str, name: str) -> str:
    """Return the address of a database on a server."""
    return make_url(server).set(database=name).render_as_string(hide_password=False)


async def write_history(url: str) -> None:
    """Write four entries for each ticket, on two connections."""
    await asyncio.gather(execute_unchecked(url, HISTORY, 0), execute_unchecked(url, HISTORY, 1))
    await execute_unchecked(url, VACUUM)
