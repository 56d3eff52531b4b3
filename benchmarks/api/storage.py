"""The storage of the bare handler and the peers: Interlock's own SQL on asyncpg, nothing else."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from secrets import token_hex
from typing import Any, Final

import asyncpg
import orjson

from benchmarks.ticket_load import ASSIGNEE
from engine.storage.postgres.locks import LOCK_SHARED
from engine.storage.tickets.create import TICKET_ID_BYTES, WORKFLOW
from engine.storage.tickets.reader import READ_TICKET
from engine.storage.tickets.search import PageShape, page_statement
from engine.storage.tickets.sla_columns import NO_SLA_COLUMNS
from engine.storage.tickets.transition import transition_statement
from engine.storage.tickets.users import INSERT_USER, USER_NAMES
from engine.storage.tickets.writer import INSERT_ENTRY, INSERT_TICKET
from engine.tickets.history import GENESIS, Entry, EntryKind
from engine.tickets.search import Order
from engine.vocabulary import ActorRoles, Priority, Status

Row = dict[str, Any]

LIST: Final = page_statement(PageShape(frozenset(), Order(), frozenset(), from_end=False))
MOVE: Final = transition_statement(keyed=False, sees_all=True)
PLAIN: Final = {
    "id": "id",
    "title": "title",
    "description": "description",
    "status": "status",
    "priority": "priority",
    "workflow": "workflow",
    "version": "version",
    "assigneeGroup": "assignee_group",
}
UNSAID: Final[Row] = {"assignee_group": None, "item": None, "service": None}
CONNECTIONS: Final = 10


class Storage:
    """What is asked of it in statements, on connections that nothing resets after a loan."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator["Storage"]:
        """Open the connections, and close them at the end."""

        async def nothing(_connection: object) -> None: ...

        settings = {"timezone": "UTC"}
        async with asyncpg.create_pool(
            url, min_size=CONNECTIONS, max_size=CONNECTIONS, reset=nothing, server_settings=settings
        ) as pool:
            yield cls(pool)

    async def ticket(self, id_: str) -> Row:
        """Return a ticket as it is answered."""
        sql = READ_TICKET.of_all
        row = await self._pool.fetchrow(sql.sql, *sql.arguments({"ticket": id_}))
        return (await self._answered([row]))[0]

    async def page(self, first: int) -> list[Row]:
        """Return the newest tickets as they are answered."""
        rows = await self._pool.fetch(LIST.sql, *LIST.arguments({"rows": first + 1}))
        return await self._answered(rows[:first])

    async def move(self, id_: str, to: str) -> Row:
        """Move a ticket, and return what is answered of it."""
        values = {
            "ticket": id_,
            "actor": ASSIGNEE.id,
            "admin_bit": 0,
            "target": to,
            "target_ordinal": Status(to).ordinal,
            "expected_version": None,
        }
        row = await self._pool.fetchrow(MOVE.sql, *MOVE.arguments(values))
        if not row["is_updated"]:
            raise RuntimeError(f"{id_} was not moved to {to}")
        return changed(row)

    async def create(self, asked: Row) -> Row:
        """Open a ticket, and return what is answered of it."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_SHARED.sql)
            workflow = await connection.fetchrow(WORKFLOW.sql, asked["workflow"])
            ticket, entry = opening(asked, workflow)
            people = sorted({ticket["requester"], ticket["assignee"]})
            await connection.executemany(INSERT_USER.sql, [[each] for each in people])
            await connection.execute(INSERT_TICKET.sql, *INSERT_TICKET.arguments(ticket))
            await connection.execute(INSERT_ENTRY.sql, *INSERT_ENTRY.arguments(entry))
        return changed(ticket)

    async def _answered(self, rows: Sequence[asyncpg.Record]) -> list[Row]:
        people = {person for row in rows for person in (row["requester"], row["assignee"])}
        found = await self._pool.fetch(USER_NAMES.sql, sorted(people - {None}))
        names = {row["id"]: row["name"] for row in found}
        return [
            {name: row[column] for name, column in PLAIN.items()}
            | {
                "createdAt": to_the_second(row["created_at"]),
                "updatedAt": to_the_second(row["updated_at"]),
                "requester": person(row["requester"], names),
                "assignee": person(row["assignee"], names),
            }
            for row in rows
        ]


def opening(asked: Row, workflow: Mapping[str, Any]) -> tuple[Row, Row]:
    """Return the rows of a new ticket and of the first entry of its history."""
    told = UNSAID | asked | {"priority": Priority.MEDIUM.value, "requester": ASSIGNEE.id}
    entry = {
        "ticket": f"tk_{token_hex(TICKET_ID_BYTES)}",
        "seq": 1,
        "at": workflow["now"],
        "actor": ASSIGNEE.id,
        "kind": EntryKind.CREATED.value,
        "old_value": None,
        "new_value": Status.OPEN.value,
        "actor_bits": int(ActorRoles.REQUESTER),
        "workflow_revision": workflow["revision"],
        "details": orjson.dumps(told).decode(),
    }
    digest = Entry(**entry).digest(GENESIS)
    ticket = told | {
        "id": entry["ticket"],
        "status": Status.OPEN.value,
        "created_at": workflow["now"],
        "updated_at": workflow["now"],
        "version": 1,
        "head_digest": digest,
        "auto_close_from": None,
    }
    return ticket | NO_SLA_COLUMNS, entry | {"digest": digest}


def changed(row: Mapping[str, Any]) -> Row:
    """Return what is answered of a ticket that was created or moved."""
    kept = {name: row[name] for name in ("id", "status", "version")}
    return {**kept, "updatedAt": to_the_second(row["updated_at"])}


def person(id_: str | None, names: dict[str, str | None]) -> Row | None:
    """Return a person as they are answered."""
    return None if id_ is None else {"id": id_, "name": names.get(id_) or id_}


def to_the_second(at: datetime) -> str:
    """Return a moment as it is answered."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
