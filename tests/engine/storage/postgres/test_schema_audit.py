"""The audit finds each change of the schema that weakens the protection of recorded data."""

import re
from collections.abc import AsyncIterator

import asyncpg
import pytest

from engine.storage.postgres.database import Database, Session
from engine.storage.postgres.schema_audit import EXPECTED_OBJECTS, audit_schema
from tests.support.databases import SERVER_ROLE
from tests.support.paths import DOCS

TRIGGER = "trigger ticket_status_history_append_only on ticket_status_history"
SKIPPED = "sets it, so that triggers and foreign keys are skipped"
CHANGES = {
    "a trigger is disabled": (
        "ALTER TABLE ticket_status_history DISABLE TRIGGER ticket_status_history_append_only",
        f"{TRIGGER}: it is disabled",
    ),
    "a trigger runs only on replicas": (
        (
            "ALTER TABLE ticket_status_history"
            " ENABLE REPLICA TRIGGER ticket_status_history_append_only"
        ),
        f"{TRIGGER}: it is disabled",
    ),
    "a trigger is dropped": (
        "DROP TRIGGER ticket_status_history_append_only ON ticket_status_history",
        f"{TRIGGER}: it is missing",
    ),
    "a trigger does less": (
        (
            "DROP TRIGGER ticket_status_history_append_only ON ticket_status_history;"
            " CREATE TRIGGER ticket_status_history_append_only"
            " BEFORE DELETE ON ticket_status_history"
            " FOR EACH STATEMENT EXECUTE FUNCTION reject_change()"
        ),
        f"{TRIGGER}: it is not as the migrations create it",
    ),
    "a function does nothing": (
        (
            "CREATE OR REPLACE FUNCTION reject_change() RETURNS trigger LANGUAGE plpgsql"
            " AS 'BEGIN RETURN NULL; END'"
        ),
        f"{TRIGGER}: it is not as the migrations create it",
    ),
    "a trigger calls another function": (
        (
            "CREATE SCHEMA other; CREATE FUNCTION other.reject_change() RETURNS trigger"
            " LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';"
            " CREATE OR REPLACE TRIGGER ticket_status_history_append_only"
            " BEFORE UPDATE OR DELETE OR TRUNCATE ON ticket_status_history"
            " FOR EACH STATEMENT EXECUTE FUNCTION other.reject_change()"
        ),
        f"{TRIGGER}: it is not as the migrations create it",
    ),
    "a trigger is added": (
        "CREATE TRIGGER t BEFORE INSERT ON seals EXECUTE FUNCTION reject_change()",
        "trigger t on seals: no migration creates it",
    ),
    "a rule is added": (
        "CREATE RULE r AS ON INSERT TO seals DO INSTEAD NOTHING",
        "rule r on seals: no migration creates it",
    ),
    "a constraint is dropped": (
        "ALTER TABLE tickets DROP CONSTRAINT tickets_status_check",
        "constraint tickets_status_check on tickets: it is missing",
    ),
    "a constraint is not validated": (
        (
            "ALTER TABLE tickets DROP CONSTRAINT tickets_version_check;"
            " ALTER TABLE tickets"
            " ADD CONSTRAINT tickets_version_check CHECK (version > 0) NOT VALID"
        ),
        "constraint tickets_version_check on tickets: it is not as the migrations create it",
    ),
    "a foreign key is disabled": (
        "ALTER TABLE ticket_status_history DISABLE TRIGGER ALL",
        "constraint ticket_status_history_ticket_fkey on ticket_status_history: it is disabled",
    ),
    "a unique index is dropped": (
        "DROP INDEX tickets_one_live_outage_per_service_idx",
        "index tickets_one_live_outage_per_service_idx on tickets: it is missing",
    ),
    "rows are hidden": (
        "ALTER TABLE tickets ENABLE ROW LEVEL SECURITY",
        "table tickets: it is not as the migrations create it",
    ),
    "a policy is added": (
        "CREATE POLICY p ON tickets USING (false)",
        "policy p on tickets: no migration creates it",
    ),
    "a table is not logged": (
        "ALTER TABLE idempotency_keys SET UNLOGGED",
        "table idempotency_keys: it is not as the migrations create it",
    ),
    "a column can be null": (
        "ALTER TABLE ticket_status_history ALTER COLUMN digest DROP NOT NULL",
        "column ticket_status_history.digest: it is not as the migrations create it",
    ),
    "a default is another one": (
        "ALTER TABLE ticket_status_history ALTER COLUMN transaction SET DEFAULT 7",
        "column ticket_status_history.transaction: it is not as the migrations create it",
    ),
    "triggers are skipped in this session": (
        "SET LOCAL session_replication_role = replica",
        f"session_replication_role: this session {SKIPPED}",
    ),
    "triggers are skipped by a role": (
        f"ALTER ROLE {SERVER_ROLE} SET session_replication_role = replica",
        f"session_replication_role: the role {SERVER_ROLE} {SKIPPED}",
    ),
    "a table is missing": (
        "ALTER TABLE head_chunks RENAME TO away",
        "table head_chunks: it is missing",
    ),
}


async def flaws(database: Database) -> list[str]:
    async with database.snapshot() as session:
        return [str(flaw) async for flaw in audit_schema(session)]


def test_the_page_lists_all_changes() -> None:
    page = (DOCS / "history.md").read_text("utf-8")
    documented = page.partition("### The schema")[2].partition("\n#")[0]
    named = {change: sentence for change, (_, sentence) in CHANGES.items()}
    rows = re.findall(r"^\| (.+?) \| `(.+?)` \|$", documented, re.MULTILINE)
    assert {change: line.replace("interlock_server", SERVER_ROLE) for change, line in rows} == named


async def test_the_file_describes_the_schema_of_the_migrations(database: Database) -> None:
    hint = "Run `python -m tools.write_schema_objects`, and read the difference."
    assert EXPECTED_OBJECTS.exists(), hint
    assert await flaws(database) == [], hint


@pytest.fixture
async def changed(owner: asyncpg.Connection) -> AsyncIterator[Session]:
    """Return a session of the owner, whose changes are rolled back."""
    transaction = owner.transaction()
    await transaction.start()
    yield Session(owner)
    await transaction.rollback()


@pytest.mark.parametrize(("change", "sentence"), CHANGES.values(), ids=CHANGES)
async def test_a_change_of_the_schema_is_found(
    changed: Session, change: str, sentence: str
) -> None:
    await changed.connection.execute(change)
    assert sentence in [str(flaw) async for flaw in audit_schema(changed)]


async def test_a_setting_of_the_database_that_skips_triggers_is_found(
    database: Database, owner: asyncpg.Connection
) -> None:
    name = await owner.fetchval("SELECT current_database()")
    await owner.execute(f"ALTER DATABASE {name} SET session_replication_role = replica")
    assert await flaws(database) == [f"session_replication_role: the database {SKIPPED}"]
