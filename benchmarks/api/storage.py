"""The storage of the bare handler and the peers: Interlock's SQL with asyncpg."""

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
from engine.storage.tickets.transition import TransitionForm, transition_statement
from engine.storage.tickets.users import INSERT_USER, USER_NAMES
from engine.storage.tickets.writer import INSERT_ENTRY, INSERT_TICKET
from engine.tickets.history import GENESIS, Entry, EntryKind
from engine.tickets.search import Order
from engine.tickets.search_texts import stored_words
from engine.vocabulary import ActorRoles, Priority, Status

Row = dict[str, Any]

_LIST: Final = page_statement(PageShape(frozenset(), Order(), frozenset(), from_end=False))
_TRANSITION: Final = transition_statement(TransitionForm(keyed=False, sees_all=True))
_PLAIN: Final = {
    "id": "id",
    "title": "title",
    "description": "description",
    "status": "status",
    "priority": "priority",
    "workflow": "workflow",
    "version": "version",
    "assigneeGroup": "assignee_group",
}
_OPTIONAL_DETAILS: Final[Row] = {"assignee_group": None, "item": None, "service": None}
_CONNECTIONS: Final = 10


class Storage:
    """Runs statements on connections that are not reset after use."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    @classmethod
    @asynccontextmanager
    async def opened(cls, url: str) -> AsyncIterator["Storage"]:
        """Open connections, and close them at the end."""

        async def no_reset(_connection: object) -> None: ...

        settings = {"timezone": "UTC"}
        async with asyncpg.create_pool(
            url,
            min_size=_CONNECTIONS,
            max_size=_CONNECTIONS,
            reset=no_reset,
            server_settings=settings,
        ) as pool:
            yield cls(pool)

    async def ticket(self, id_: str) -> Row:
        """Return a ticket for the response."""
        sql = READ_TICKET.of_all
        row = await self._pool.fetchrow(sql.sql, *sql.arguments({"ticket": id_}))
        return (await self._with_users([row]))[0]

    async def page(self, first: int) -> list[Row]:
        """Return the newest tickets for the response."""
        rows = await self._pool.fetch(_LIST.sql, *_LIST.arguments({"rows": first + 1}))
        return await self._with_users(rows[:first])

    async def transition(self, id_: str, to: str) -> Row:
        """Change the status of a ticket, and return it for the response."""
        values = {
            "ticket": id_,
            "actor": ASSIGNEE.id,
            "admin_bit": 0,
            "target": to,
            "target_ordinal": Status(to).ordinal,
            "expected_version": None,
        }
        row = await self._pool.fetchrow(_TRANSITION.sql, *_TRANSITION.arguments(values))
        if not row["is_updated"]:
            raise RuntimeError(f"the status of {id_} was not changed to {to}")
        return _changed_ticket(row)

    async def create(self, values: Row) -> Row:
        """Open a ticket, and return it for the response."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK_SHARED.sql)
            workflow = await connection.fetchrow(WORKFLOW.sql, values["workflow"])
            ticket, entry = _new_rows(values, workflow)
            users = sorted({ticket["requester"], ticket["assignee"]})
            await connection.executemany(INSERT_USER.sql, [[each] for each in users])
            await connection.execute(INSERT_TICKET.sql, *INSERT_TICKET.arguments(ticket))
            await connection.execute(INSERT_ENTRY.sql, *INSERT_ENTRY.arguments(entry))
        return _changed_ticket(ticket)

    async def _with_users(self, rows: Sequence[asyncpg.Record]) -> list[Row]:
        users = {user for row in rows for user in (row["requester"], row["assignee"])}
        found = await self._pool.fetch(USER_NAMES.sql, sorted(users - {None}))
        names = {row["id"]: row["name"] for row in found}
        return [
            {name: row[column] for name, column in _PLAIN.items()}
            | {
                "createdAt": _to_the_second(row["created_at"]),
                "updatedAt": _to_the_second(row["updated_at"]),
                "requester": _user_fields(row["requester"], names),
                "assignee": _user_fields(row["assignee"], names),
            }
            for row in rows
        ]


def _new_rows(values: Row, workflow: Mapping[str, Any]) -> tuple[Row, Row]:
    """Return the rows of a new ticket and of the first entry of its history."""
    details = (
        _OPTIONAL_DETAILS | values | {"priority": Priority.MEDIUM.value, "requester": ASSIGNEE.id}
    )
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
        "details": orjson.dumps(details).decode(),
    }
    digest = Entry(**entry).digest(GENESIS)
    ticket = details | {
        "id": entry["ticket"],
        "status": Status.OPEN.value,
        "created_at": workflow["now"],
        "updated_at": workflow["now"],
        "version": 1,
        "head_digest": digest,
        "auto_close_from": None,
        "search_text": stored_words(f"{details['title']}\n{details['description']}"),
    }
    return ticket | NO_SLA_COLUMNS, entry | {"digest": digest}


def _changed_ticket(row: Mapping[str, Any]) -> Row:
    """Return a ticket that was created or changed, for the response."""
    fields = {name: row[name] for name in ("id", "status", "version")}
    return {**fields, "updatedAt": _to_the_second(row["updated_at"])}


def _user_fields(id_: str | None, names: dict[str, str | None]) -> Row | None:
    """Return a user for the response."""
    return None if id_ is None else {"id": id_, "name": names.get(id_) or id_}


def _to_the_second(at: datetime) -> str:
    """Return a timestamp for the response."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"
