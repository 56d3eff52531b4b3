"""The role of a server has exactly the rights that it needs."""

from collections.abc import AsyncIterator
from secrets import token_hex

import asyncpg
import pytest

from engine.errors import InvalidInput
from engine.storage.postgres.database import Database
from engine.storage.postgres.grants import SERVER_PRIVILEGES, Privilege, grants_sql
from engine.storage.postgres.tables import metadata
from engine.storage.tickets.store import TicketStore
from tests.support.concurrent_changes import open_ticket

_GRANTED = """
SELECT relname, privilege_type
FROM pg_class, aclexplode(relacl)
WHERE relkind IN ('r', 'S') AND grantee = to_regrole($1)
"""

FORBIDDEN = {
    "delete a ticket": "DELETE FROM tickets",
    "delete all tickets": "TRUNCATE tickets CASCADE",
    "change an entry": "UPDATE ticket_status_history SET actor = 'u_z9'",
    "delete an entry": "DELETE FROM ticket_status_history",
    "delete all entries": "TRUNCATE ticket_status_history",
    "change a revision": "UPDATE workflow_revisions SET policy = 0",
    "delete a revision": "DELETE FROM workflow_revisions",
    "change a reconciliation": "UPDATE reconciliations SET plan = '{}'",
    "delete a reconciliation": "DELETE FROM reconciliations",
    "change a plugin change": "UPDATE plugin_changes SET changed_by = 'u_z9'",
    "delete a plugin change": "DELETE FROM plugin_changes",
    "disable a trigger": "ALTER TABLE ticket_status_history DISABLE TRIGGER USER",
    "drop a trigger": ("DROP TRIGGER ticket_status_history_append_only ON ticket_status_history"),
    "create a trigger": (
        "CREATE TRIGGER t BEFORE INSERT ON tickets EXECUTE FUNCTION reject_change()"
    ),
    "create a rule": "CREATE RULE r AS ON INSERT TO tickets DO INSTEAD NOTHING",
    "replace a function": (
        "CREATE OR REPLACE FUNCTION reject_change() RETURNS trigger LANGUAGE plpgsql"
        " AS 'BEGIN RETURN NULL; END'"
    ),
    "skip all triggers": "SET session_replication_role = replica",
    "drop a constraint": "ALTER TABLE tickets DROP CONSTRAINT tickets_status_check",
    "drop a table": "DROP TABLE idempotency_keys",
    "hide rows": "ALTER TABLE tickets ENABLE ROW LEVEL SECURITY",
    "create a table": "CREATE TABLE t ()",
    "create a temporary table": "CREATE TEMPORARY TABLE tickets ()",
    "create a schema": "CREATE SCHEMA s",
    "create a role": "CREATE ROLE r",
    "become a stronger role": "SET ROLE pg_write_all_data",
    "change the schema's version": "UPDATE alembic_version SET version_num = '0'",
}


@pytest.fixture
async def role(owner: asyncpg.Connection) -> AsyncIterator[str]:
    """Return a new role, whose name needs quotes."""
    name = f"server'\"$grants$ {token_hex(4)}"
    quoted = name.replace('"', '""')
    await owner.execute(f'CREATE ROLE "{quoted}"')
    yield name
    await owner.execute(f'DROP OWNED BY "{quoted}"; DROP ROLE "{quoted}"')


def test_each_table_has_privileges() -> None:
    assert set(SERVER_PRIVILEGES) == {*metadata.tables, "alembic_version"}


async def test_the_role_gets_exactly_the_privileges(owner: asyncpg.Connection, role: str) -> None:
    quoted = role.replace('"', '""')
    await owner.execute(f'GRANT ALL ON ALL TABLES IN SCHEMA public TO "{quoted}"')
    await owner.execute(f'GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO "{quoted}"')
    for _ in range(2):
        await owner.execute(grants_sql(role))
        rows = await owner.fetch(_GRANTED, f'"{quoted}"')
        assert {(row["relname"], Privilege(row["privilege_type"])) for row in rows} == {
            (table, each) for table, privileges in SERVER_PRIVILEGES.items() for each in privileges
        }


@pytest.mark.parametrize("statement", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_a_server_cannot(
    store: TicketStore, database: Database, owner: asyncpg.Connection, statement: str
) -> None:
    server = await database.pool.connect()
    await owner.execute(grants_sql(await server.fetchval("SELECT current_user")))
    await open_ticket(store)
    try:
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await server.execute(statement)
    finally:
        await server.close()


@pytest.mark.parametrize("name", ["", "a\nb", "a\0b", "é" * 32])
def test_a_name_that_no_role_can_have_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput, match="is not a name of a database role"):
        grants_sql(name)
