"""Rights on the database that no server needs are found."""

import re

import asyncpg
import pytest

from engine.storage.postgres.database import Database, open_database
from engine.storage.postgres.grants import grants_sql
from engine.storage.postgres.rights_audit import find_excess_rights
from tests.support.databases import SERVER_ROLE, execute
from tests.support.paths import DOCS

SERVER = f"The role {SERVER_ROLE}"
NEEDLESS = "has a right that no server needs"
RIGHTS = {
    "the server's role can delete": (
        f"GRANT DELETE ON tickets TO {SERVER_ROLE}",
        f"{SERVER} {NEEDLESS}: DELETE on tickets",
    ),
    "the server's role can change a column": (
        f"GRANT UPDATE (at) ON ticket_status_history TO {SERVER_ROLE}",
        f"{SERVER} {NEEDLESS}: UPDATE on ticket_status_history",
    ),
    "all roles have a right": (
        "GRANT TRUNCATE ON seals TO PUBLIC",
        f"PUBLIC {NEEDLESS}: TRUNCATE on seals",
    ),
    "another role has a right": (
        "GRANT UPDATE ON seals TO pg_monitor",
        f"The role pg_monitor {NEEDLESS}: UPDATE on seals",
    ),
    "the server's role can add triggers": (
        f"GRANT TRIGGER ON users TO {SERVER_ROLE}",
        f"{SERVER} {NEEDLESS}: TRIGGER on users",
    ),
    "the server's role can create tables": (
        f"GRANT CREATE ON SCHEMA public TO {SERVER_ROLE}",
        f"{SERVER} {NEEDLESS}: create objects in the schema",
    ),
}


def test_the_page_lists_all_rights() -> None:
    page = (DOCS / "history.md").read_text("utf-8")
    documented = page.partition("### The rights")[2].partition("\n#")[0]
    named = {right: f"Warning: {sentence}." for right, (_, sentence) in RIGHTS.items()}
    rows = re.findall(r"^\| (.+?) \| `(.+?)` \|$", documented, re.MULTILINE)
    assert {right: line.replace("interlock_server", SERVER_ROLE) for right, line in rows} == named


async def rights(database: Database) -> list[str]:
    async with database.snapshot() as session:
        return await find_excess_rights(session)


@pytest.fixture(autouse=True)
async def granted(owner: asyncpg.Connection) -> None:
    """Give the server's role the rights that the command prints."""
    await owner.execute(grants_sql(SERVER_ROLE))


async def test_a_role_with_the_granted_rights_has_no_others(database: Database) -> None:
    assert await rights(database) == []


@pytest.mark.parametrize(("grant", "sentence"), RIGHTS.values(), ids=RIGHTS)
async def test_each_other_right_is_found(
    database: Database, owner: asyncpg.Connection, grant: str, sentence: str
) -> None:
    await owner.execute(grant)
    assert await rights(database) == [sentence]


async def test_a_superuser_is_found_and_so_are_the_rights_of_others(owner_url: str) -> None:
    await execute(owner_url, f"GRANT UPDATE ON tickets, seals TO {SERVER_ROLE}")
    async with open_database(owner_url) as database:
        superuser, server = await rights(database)
    assert superuser.endswith("is a superuser, so it can change all recorded data")
    assert server == f"{SERVER} {NEEDLESS}: UPDATE on seals"


async def test_an_owner_of_tables_is_found(database: Database, owner: asyncpg.Connection) -> None:
    await owner.execute(f"ALTER TABLE tickets OWNER TO {SERVER_ROLE}")
    assert await rights(database) == [f"{SERVER} owns tables, so it can change all recorded data"]
