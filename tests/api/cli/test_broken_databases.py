"""A command on a database that it cannot use prints one clear line, and exits with 1."""

from pathlib import Path

import pytest

from tests.support.command import interlock, on
from tests.support.databases import SERVER_ROLE, execute

CORRUPT = (
    "SET session_replication_role = replica;"
    """ UPDATE workflow_revisions SET declaration = '{"x": 1}' WHERE workflow = 'service_request'"""
)
CANNOT_BE_READ = "The stored declaration of workflow service_request cannot be read: "
BROKEN: dict[str, tuple[str, tuple[str, ...], str]] = {
    "a later schema": (
        "UPDATE alembic_version SET version_num = '9999'",
        ("export",),
        "The database has schema 9999, which this version of Interlock does not know.",
    ),
    "a schema of another program": (
        "ALTER TABLE alembic_version RENAME version_num TO id",
        ("export",),
        "The database has tables or functions that are not Interlock's (",
    ),
    "no right to read a table": (
        f"REVOKE SELECT ON settings FROM {SERVER_ROLE}",  # noqa: S608  # a constant
        ("export",),
        "The database role lacks a right: permission denied for table settings. Run the SQL",
    ),
    "no right to use the schema": (
        f"REVOKE ALL ON SCHEMA public FROM PUBLIC, {SERVER_ROLE}",
        ("plan", "-f", "values.yaml"),
        "The database has no schema yet",
    ),
    "a missing column": (
        "ALTER TABLE settings RENAME declaration TO d",
        ("export",),
        "The database does not have the schema of this version: column settings.declaration",
    ),
    "a corrupt revision, exported": (CORRUPT, ("export",), CANNOT_BE_READ),
    "a corrupt revision, planned": (CORRUPT, ("plan", "-f", "values.yaml"), CANNOT_BE_READ),
    "a corrupt revision, in a backup": (CORRUPT, ("backup", "backup.yaml"), CANNOT_BE_READ),
}


@pytest.mark.parametrize(("change", "command", "line"), BROKEN.values(), ids=BROKEN)
async def test_a_broken_database_is_one_line(
    owner_url: str,
    database_url: str,
    tmp_path: Path,
    change: str,
    command: tuple[str, ...],
    line: str,
) -> None:
    (tmp_path / "values.yaml").write_text("ticketing: {}\n", "utf-8")
    await execute(owner_url, change)
    done = interlock(*command, folder=tmp_path, env=on(database_url))
    assert done.returncode == 1
    [printed] = done.stderr.splitlines()
    assert printed.startswith(f"interlock: {line}")


async def test_verify_reports_a_corrupt_revision(owner_url: str, database_url: str) -> None:
    await execute(owner_url, CORRUPT)
    done = interlock("history", "verify", env=on(database_url))
    assert done.returncode == 1
    assert "its digest does not match its content" in done.stdout
