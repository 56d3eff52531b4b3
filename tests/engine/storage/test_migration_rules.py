"""Migrations only expand the schema, or say since which release nothing uses what they remove."""

import tomllib
from collections.abc import Callable
from importlib import import_module
from pkgutil import iter_modules
from types import ModuleType

import pytest
import sqlalchemy as sa
from alembic import op

from engine.storage.migrations import versions
from tests.support.migration_rules import contractions, statements_of
from tests.support.paths import ROOT

BASE = "0001_initial"
MIGRATIONS = {
    each.name: import_module(f"{versions.__name__}.{each.name}")
    for each in iter_modules(versions.__path__)
}


def create_notes() -> None:
    op.create_table("notes", sa.Column("id", sa.Text))
    op.create_index("one", "notes", ["id"], unique=True)


EXPANDS = {
    "a table": lambda: op.create_table("notes", sa.Column("id", sa.Text, primary_key=True)),
    "an optional column": lambda: op.add_column("tickets", sa.Column("colour", sa.Text)),
    "a column with a default": lambda: op.add_column(
        "tickets", sa.Column("colour", sa.Text, nullable=False, server_default="red")
    ),
    "an index": lambda: op.create_index("by_colour", "tickets", ["colour"]),
    "a constraint for new rows": lambda: op.execute(
        "ALTER TABLE tickets ADD CONSTRAINT c CHECK (colour <> '') NOT VALID"
    ),
    "a unique index of a new table": create_notes,
}
CONTRACTS = {
    "a removed table": lambda: op.drop_table("anchors"),
    "a removed column": lambda: op.drop_column("tickets", "title"),
    "a renamed column": lambda: op.alter_column("tickets", "title", new_column_name="subject"),
    "a renamed table": lambda: op.rename_table("tickets", "issues"),
    "another type": lambda: op.alter_column("tickets", "version", type_=sa.BigInteger),
    "no more null": lambda: op.alter_column("tickets", "assignee", nullable=False),
    "a required column": lambda: op.add_column(
        "tickets", sa.Column("colour", sa.Text, nullable=False)
    ),
    "a constraint for all rows": lambda: op.create_check_constraint("c", "tickets", "id <> ''"),
    "a unique index": lambda: op.create_index("one", "users", ["name"], unique=True),
    "a removed right": lambda: op.execute("REVOKE SELECT\nON tickets FROM PUBLIC"),
    "removed rows": lambda: op.execute("DELETE FROM users"),
}


@pytest.mark.parametrize("change", EXPANDS.values(), ids=EXPANDS)
def test_an_expansion_is_accepted(change: Callable[[], object]) -> None:
    assert [*contractions(statements_of(change))] == []


@pytest.mark.parametrize("change", CONTRACTS.values(), ids=CONTRACTS)
def test_a_contraction_is_found(change: Callable[[], object]) -> None:
    assert len([*contractions(statements_of(change))]) == 1


@pytest.mark.parametrize("migration", MIGRATIONS.values(), ids=MIGRATIONS)
def test_a_migration_breaks_no_server_of_the_previous_release(migration: ModuleType) -> None:
    if migration.revision == BASE:
        return
    found = [*contractions(statements_of(migration.upgrade))]
    unused_since = getattr(migration, "unused_since", None)
    if unused_since is None:
        assert found == [], "Expand now, and contract in a later release: docs/upgrade.md"
    else:
        project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
        assert found
        assert release(unused_since) < release(project["version"])


def release(version: str) -> tuple[int, ...]:
    """Return a version as numbers, without its patch level: patches are compatible."""
    return tuple(map(int, version.split(".")))[:2]
