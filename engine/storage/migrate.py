"""Migrate a database to the schema of this version, or check that it has that schema."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Final

import asyncpg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection as SQLAlchemyConnection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

from engine.errors import Misconfigured, Unavailable
from engine.storage.history.renumber import renumber_log
from engine.storage.postgres.connection import Connection, connect
from engine.storage.postgres.connection_settings import ConnectionSettings
from engine.storage.postgres.errors import map_errors

MIGRATION_LOCK: Final = 0x17E410C
"""The advisory lock that lets one replica migrate while the others wait."""
MIGRATION_SECONDS_MAX: Final = 600
_MIGRATION_SETTINGS: Final = ConnectionSettings(
    response_seconds=MIGRATION_SECONDS_MAX,
    statement_seconds=0,
    lock_seconds=0,
    transaction_seconds=0,
)
PRE_RELEASE_REVISIONS: Final = {"0001", "0002"}
"""Revisions of databases from before the first release. Their schema changed without a new one."""
_FOREIGN: Final = (
    "The database has tables or functions that are not Interlock's ({})."
    " Set INTERLOCK_DATABASE_URL to an empty database."
)


async def migrate(url: str) -> None:
    """Run all pending migrations. Any number of replicas can do so at the same time.

    A database that has the current schema is not written to.

    Raises:
        Misconfigured: the schema is that of another version, which cannot be migrated; or the
            database role does not own the tables, and so cannot migrate.
        Unavailable: the database does not respond or rejects the connection.

    """
    with _explain_migration_errors(), _explain_mismatch():
        async with _locked(url) as connection:
            found = await _read_revision(connection)
            _check_known(found)
            if found != _current_revision():
                await _upgrade(connection)
            await renumber_log(connection)


async def check_schema(url: str) -> None:
    """Check that the database has the schema of this version, without writing to it.

    Raises:
        Misconfigured: the database has no schema, or another one.
        Unavailable: the database does not respond or rejects the connection.

    """
    connection = await connect(url)
    try:
        with _explain_mismatch(), map_errors():
            found = await _read_revision(connection)
    except asyncpg.InsufficientPrivilegeError as error:
        raise Misconfigured(
            f"The role of INTERLOCK_DATABASE_URL cannot read the database ({error.args[0]})."
            " Run the SQL that `interlock db grants` prints for it."
        ) from error
    finally:
        await connection.close()
    if found is None:
        raise Misconfigured("The database has no schema yet: run `interlock migrate` first.")
    _check_known(found)
    if found != (expected := _current_revision()):
        raise Misconfigured(
            f"The database has schema {found}, and this version of Interlock needs {expected}:"
            " run `interlock migrate` first."
        )


def _current_revision() -> str | None:
    """Return the revision of this version's schema."""
    return ScriptDirectory.from_config(_configuration()).get_current_head()


@contextmanager
def _explain_mismatch() -> Iterator[None]:
    """Raise Misconfigured for errors which mean that the schema is not one of Interlock."""
    try:
        yield
    except (asyncpg.UndefinedTableError, asyncpg.UndefinedColumnError) as error:
        raise Misconfigured(_FOREIGN.format(error.args[0])) from error


@contextmanager
def _explain_migration_errors() -> Iterator[None]:
    """Raise Misconfigured for errors which mean that this database cannot be migrated."""
    try:
        yield
    except (asyncpg.PostgresError, DBAPIError) as error:
        match _driver_error(error):
            case asyncpg.InsufficientPrivilegeError():
                raise Misconfigured(
                    "The database needs a migration, and the role of INTERLOCK_DATABASE_URL does"
                    " not own its tables: run `interlock migrate` and `interlock db grants` with"
                    " the role that does."
                ) from error
            case asyncpg.DuplicateTableError() | asyncpg.DuplicateFunctionError() as conflict:
                raise Misconfigured(_FOREIGN.format(conflict.args[0])) from error
        raise


def _driver_error(error: BaseException) -> BaseException:
    """Return the error of the database driver that SQLAlchemy has wrapped, or the error itself."""
    original = getattr(error, "orig", None)
    return error if original is None else original.__cause__ or original


@asynccontextmanager
async def _locked(url: str) -> AsyncIterator[Connection]:
    """Yield a connection in a transaction that holds the migration lock."""
    connection = await connect(url, _MIGRATION_SETTINGS)
    try:
        with map_errors():
            async with connection.transaction():
                await connection.set_transaction_parameters()
                await connection.execute(f"SELECT pg_advisory_xact_lock({MIGRATION_LOCK})")
                yield connection
    finally:
        await connection.close()


async def _read_revision(connection: Connection) -> str | None:
    """Return the revision of the database's schema; None if no migration was run."""
    if not await connection.fetchval("SELECT to_regclass('alembic_version') IS NOT NULL"):
        return None
    revision: str | None = await connection.fetchval(
        "SELECT string_agg(version_num, ', ' ORDER BY version_num) FROM alembic_version"
    )
    return revision


def _check_known(revision: str | None) -> None:
    """Raise Misconfigured if the migrations of this version do not contain a revision."""
    if revision in PRE_RELEASE_REVISIONS:
        raise Misconfigured(
            "The database was created by a pre-release version of Interlock and cannot be"
            " upgraded. Delete the data folder (INTERLOCK_DATA_DIR, by default .interlock) or set"
            " INTERLOCK_DATABASE_URL to an empty database, and start again."
        )
    known = {
        None,
        *(each.revision for each in ScriptDirectory.from_config(_configuration()).walk_revisions()),
    }
    if revision not in known:
        raise Misconfigured(
            f"The database has schema {revision}, which this version of Interlock does not know."
            " Run the version that created the schema, or a later one."
        )


async def _upgrade(connection: Connection) -> None:
    """Run Alembic on an open connection, by way of SQLAlchemy, in a savepoint for each migration.

    SQLAlchemy does not close the connection, because its pool is not disposed of.
    """

    async def connected() -> Connection:
        return connection

    def connect_without_cache() -> DBAPIConnection:
        # Without a cache, because a pooled connection has only one prepared statement at a time.
        opened: DBAPIConnection = engine.dialect.loaded_dbapi.connect(
            async_creator_fn=connected, prepared_statement_cache_size=0
        )
        return opened

    engine = create_async_engine(
        "postgresql+asyncpg://", creator=connect_without_cache, poolclass=StaticPool
    )
    try:
        async with engine.connect() as opened:
            await opened.run_sync(_run_alembic)
    except DBAPIError as error:
        if not error.connection_invalidated:
            raise
        raise Unavailable("The connection to the database was lost during a migration.") from error


def _run_alembic(connection: SQLAlchemyConnection) -> None:
    config = _configuration()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _configuration() -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config
