"""A declaration of any size, and a database with tickets under its workflows."""

import asyncio
from dataclasses import dataclass
from typing import Final

from sqlalchemy.engine import make_url

from benchmarks.databases import VACUUM, declare, execute_unchecked
from engine.vocabulary import Role, Status
from reconciler.desired import read_desired
from reconciler.values import ValuesInput

_CATEGORIES: Final = 20

_TRANSITIONS: Final = (
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
    """The size of a declaration, and the number of tickets."""

    workflows: int
    items: int
    tickets: int

    def part(self, parts: int) -> "Size":
        """Divide all numbers by the number of parts."""
        return Size(self.workflows // parts, self.items // parts, self.tickets // parts)


WHOLE: Final = Size(workflows=1_000, items=10_000, tickets=1_000_000)


def values(size: Size, role: Role) -> str:
    """Return a values file in which a role can make every transition."""
    return "".join(
        (
            "ticketing:\n  defaultWorkflows: false\n  workflows:\n",
            *(_workflow(number, role) for number in range(size.workflows)),
            "  catalog:\n    categories:\n",
            *(_category(number) for number in range(_CATEGORIES)),
            "    items:\n",
            *(_item(number, size) for number in range(size.items)),
        )
    )


def _workflow(number: int, role: Role) -> str:
    transitions = "".join(
        f"        - {{from: {source}, to: {target}, role: {role}}}\n"
        for source, target in _TRANSITIONS
    )
    return (
        f"    - name: workflow_{number}\n      displayName: Number {number}\n"
        f"      transitions:\n{transitions}"
    )


def _category(number: int) -> str:
    return f"      - {{name: category_{number}, displayName: Category {number}}}\n"


def _item(number: int, size: Size) -> str:
    return (
        f"      - name: item_{number}\n        category: category_{number % _CATEGORIES}\n"
        f"        displayName: Item {number}\n"
        f"        workflow: workflow_{number % size.workflows}\n"
    )


# --- tickets ------------------------------------------------------------------------------------

_USERS: Final = "INSERT INTO users (id) SELECT 'u_' || n FROM generate_series(0, 999) AS n"
_TICKETS: Final = """
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
"""85 % of the tickets are closed. The busiest workflow has one in thirty, the quietest one in two
thousand. 7919 is a prime, so that tickets with similar times differ in everything else."""
_HISTORY: Final = """
INSERT INTO ticket_status_history (ticket, seq, at, actor, kind, old_value, new_value, actor_bits,
                                   workflow_revision, digest)
SELECT id, seq, created_at, CASE WHEN seq % 2 = 0 THEN assignee ELSE requester END,
       CASE seq WHEN 1 THEN 'created' ELSE 'status' END, statuses[seq - 1], statuses[seq],
       CASE WHEN seq % 2 = 0 THEN 1 ELSE 2 END, 1, head_digest
FROM tickets, generate_series(1, version) AS seq,
     (SELECT '{OPEN,IN_PROGRESS,RESOLVED,CLOSED}'::text[] AS statuses) AS path
WHERE hashtext(id) & 1 = $1
"""
"""Four entries for every ticket; one statement writes half of them. The digests are not valid,
because these benchmarks do not read them."""


async def create_with_tickets(server: str, name: str, size: Size) -> str:
    """Create a database with a declaration and tickets without history; return its URL."""
    url = await create(server, name)
    await declare(url, read_desired(ValuesInput([(name, values(size, Role.ANY))])))
    await execute_unchecked(url, _USERS)
    await execute_unchecked(url, _TICKETS, size.tickets, size.workflows)
    await execute_unchecked(url, VACUUM)
    return url


async def create(server: str, name: str) -> str:
    """Create an empty database; return its URL."""
    await execute_unchecked(server, f"CREATE DATABASE {name}")
    return _url(server, name)


async def copy(server: str, name: str, original: str) -> str:
    """Copy a database that has no connections; return the URL of the copy."""
    await execute_unchecked(server, f"CREATE DATABASE {name} TEMPLATE {original}")
    return _url(server, name)


def _url(server: str, name: str) -> str:
    return make_url(server).set(database=name).render_as_string(hide_password=False)


async def write_history(url: str) -> None:
    """Write four entries for each ticket, on two connections."""
    await asyncio.gather(execute_unchecked(url, _HISTORY, 0), execute_unchecked(url, _HISTORY, 1))
    await execute_unchecked(url, VACUUM)
