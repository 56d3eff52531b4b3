"""The connections of a server, divided by kind of work so that no kind can starve another."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass, fields, replace
from functools import partial
from typing import Final, Self

from engine.storage.postgres.connection import StatementObserver, connect
from engine.storage.postgres.connection_settings import ConnectionSettings
from engine.storage.postgres.database import Database
from engine.storage.postgres.pool import ConnectionPool, Reconnections
from engine.storage.postgres.slots import WaitBounds

_PROBE_CONNECTIONS: Final = 1
_ESSENTIAL_CONNECTIONS: Final = 1
_ADMINISTRATION_CONNECTIONS: Final = 2
_BACKGROUND_PART: Final = 5
"""Background work gets one of so many connections, including the essential one."""

_MARGIN_SECONDS: Final = 5
"""How much longer than the server the client waits for the end of a statement."""
_PROBE_SECONDS: Final = 3
_ESSENTIAL_SECONDS: Final = 10
_BACKGROUND_SECONDS: Final = 60
_BACKGROUND_TRANSACTION_SECONDS: Final = 300
_ADMINISTRATION_SECONDS: Final = 600
_ADMINISTRATION_IDLE_SECONDS: Final = 60
"""A plan, a backup or a restore computes between two statements, with no lock on tickets."""


@dataclass(frozen=True, slots=True)
class Shares:
    """How many connections each kind of work gets. The kinds are those of `Databases`."""

    reads: int
    changes: int
    administration: int
    background: int
    essential: int
    probes: int

    @classmethod
    def of(cls, connections: int) -> Self:
        """Divide connections: reads and changes share equally what the other kinds leave.

        Args:
            connections: all connections, at least `DATABASE_CONNECTIONS_MIN`.

        """
        rest = connections - _PROBE_CONNECTIONS - _ADMINISTRATION_CONNECTIONS
        background = max(1, rest // _BACKGROUND_PART - _ESSENTIAL_CONNECTIONS)
        requests = rest - background - _ESSENTIAL_CONNECTIONS
        return cls(
            reads=requests // 2,
            changes=requests - requests // 2,
            administration=_ADMINISTRATION_CONNECTIONS,
            background=background,
            essential=_ESSENTIAL_CONNECTIONS,
            probes=_PROBE_CONNECTIONS,
        )


@dataclass(frozen=True, slots=True)
class DatabaseLimits:
    """The limits of the requests of a server.

    Attributes:
        connections: of all kinds of work together.
        waiting: bounds the requests that wait for a connection of one kind.
        statement_seconds: how long a statement of a request can take.
        lock_wait_seconds: how long a statement can wait for a lock.

    """

    connections: int
    waiting: WaitBounds
    statement_seconds: float
    lock_wait_seconds: float


@dataclass(frozen=True, slots=True)
class Databases:
    """One database, with separate connections for each kind of work.

    Attributes:
        reads: what requests read.
        changes: what users and monitoring systems change.
        administration: work of operators, which can take minutes: plans, values files, switches.
        background: background tasks, and webhooks.
        essential: the background tasks that requests depend on: the change feed and the caches.
        probes: the readiness probe.

    """

    reads: Database
    changes: Database
    administration: Database
    background: Database
    essential: Database
    probes: Database

    @property
    def by_kind(self) -> Mapping[str, Database]:
        """The database for each kind of work, by its name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@asynccontextmanager
async def open_databases(
    url: str,
    limits: DatabaseLimits,
    direct_url: str | None = None,
    on_statement: StatementObserver | None = None,
) -> AsyncIterator[Databases]:
    """Open a database, and close it at the end of the block.

    Args:
        url: a libpq connection URI, `postgresql://…`, of the server or of a connection pooler.
        limits: of the requests.
        direct_url: the URI of the server if the other one is that of a pooler. Requests and probes
            use the pooler; all other work uses direct connections.
        on_statement: called with each statement that was run.

    Raises:
        Unavailable: the database does not respond or rejects the connection.

    """
    pools = _pools(url, direct_url or url, limits, on_statement)
    async with pools["administration"].acquire():
        pass  # fail early if the database is unavailable
    try:
        yield Databases(**{name: Database(pool) for name, pool in pools.items()})
    finally:
        for pool in pools.values():
            await pool.close()


def _pools(
    url: str, direct_url: str, limits: DatabaseLimits, on_statement: StatementObserver | None
) -> dict[str, ConnectionPool]:
    """Return a pool for each kind of work; connections are opened when needed."""
    requests = _settings(limits.statement_seconds, limits.lock_wait_seconds)
    requests = replace(requests, transaction_seconds=requests.response_seconds)
    background = _settings(_BACKGROUND_SECONDS, limits.lock_wait_seconds)
    background = replace(background, transaction_seconds=_BACKGROUND_TRANSACTION_SECONDS)
    administration = _settings(_ADMINISTRATION_SECONDS)
    administration = replace(
        administration, idle_in_transaction_seconds=_ADMINISTRATION_IDLE_SECONDS
    )
    essential = _settings(_ESSENTIAL_SECONDS, limits.lock_wait_seconds)
    probes = replace(_settings(_PROBE_SECONDS, _PROBE_SECONDS), open_seconds=_PROBE_SECONDS)
    patient = replace(limits.waiting, seconds=_BACKGROUND_SECONDS)
    kinds = {
        "reads": (url, requests, limits.waiting),
        "changes": (url, requests, limits.waiting),
        "administration": (direct_url, administration, limits.waiting),
        "background": (direct_url, background, patient),
        "essential": (direct_url, essential, patient),
        "probes": (url, probes, limits.waiting),
    }
    shares = asdict(Shares.of(limits.connections))
    reconnections = Reconnections()
    return {
        name: ConnectionPool(
            shares[name],
            partial(connect, address, settings, on_statement),
            waiting,
            reconnections,
        )
        for name, (address, settings, waiting) in kinds.items()
    }


def _settings(statement_seconds: float, lock_wait_seconds: float = 0) -> ConnectionSettings:
    """Return the settings of connections; without a limit for locks if that is 0."""
    return ConnectionSettings(
        response_seconds=statement_seconds + _MARGIN_SECONDS,
        statement_seconds=statement_seconds,
        lock_seconds=lock_wait_seconds,
    )
