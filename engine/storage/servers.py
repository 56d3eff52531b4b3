"""The servers that use the database, as each of them reports itself again and again."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from sqlalchemy import Interval, bindparam, delete, func, select
from sqlalchemy.dialects.postgresql import insert

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.statements import Statement
from engine.storage.postgres.tables import servers

REPORT_SECONDS: Final = 10
"""The longest time between two reports of a server."""
SILENT_SECONDS_MAX: Final = 30
"""A server that has not reported for longer is down, or cannot reach the database."""
_KEPT: Final = timedelta(hours=1)

_INSERT: Final = insert(servers).values(
    id=bindparam("id"),
    name=bindparam("name"),
    version=bindparam("version"),
    declaration=bindparam("declaration"),
)
_REPORT: Final = Statement.of(
    _INSERT.on_conflict_do_update(
        index_elements=[servers.c.id],
        set_={"declaration": _INSERT.excluded.declaration, "reported_at": func.clock_timestamp()},
    )
)
_FORGET: Final = Statement.of(delete(servers).where(servers.c.id == bindparam("id")))
_FORGET_OLD: Final = Statement.of(
    delete(servers).where(
        servers.c.reported_at < func.clock_timestamp() - bindparam("age", type_=Interval)
    )
)
_READ: Final = Statement.of(
    select(servers.c.name, servers.c.version, servers.c.declaration)
    .where(servers.c.reported_at > func.clock_timestamp() - bindparam("age", type_=Interval))
    .order_by(servers.c.name, servers.c.id)
)


class ServerReport(NamedTuple):
    """What a server reports.

    Attributes:
        name: of its machine; in Kubernetes, of its pod.
        version: of Interlock.
        declaration: the digest of the declaration that it uses.

    """

    name: str
    version: str
    declaration: str


async def report_server(database: Database, server_id: str, report: ServerReport) -> None:
    """Store the report of a server, and forget servers that were silent for an hour."""
    async with database.transaction() as session:
        await session.run(_REPORT, id=server_id, **report._asdict())
        await session.run(_FORGET_OLD, age=_KEPT)


async def forget_server(database: Database, server_id: str) -> None:
    """Forget a server that stops."""
    await database.row(_FORGET, id=server_id)


async def read_running_servers(source: Database | Session) -> Sequence[ServerReport]:
    """Return the latest reports of the servers that are not silent, ordered by name."""
    rows = await source.rows(_READ, age=timedelta(seconds=SILENT_SECONDS_MAX))
    return [ServerReport(row["name"], row["version"], row["declaration"]) for row in rows]
