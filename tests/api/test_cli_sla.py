"""`interlock sla verify`, run as its users run it."""

import os
import subprocess
import sys
from pathlib import Path

from sqlalchemy import text

from engine.storage.database import Database
from engine.storage.statements import Statement
from engine.storage.ticket_store import TicketStore
from tests.engine.storage.promised import PICKED_UP, RESOLVED, move, open_promised

COMMAND = Path(sys.executable).with_name("interlock")


def verify(database_url: str) -> subprocess.CompletedProcess[str]:
    env = os.environ | {"INTERLOCK_DATABASE_URL": database_url}
    words = [str(COMMAND), "sla", "verify"]
    return subprocess.run(words, capture_output=True, text=True, check=False, env=env)  # noqa: S603 - our own command


async def test_every_difference_is_named(
    store: TicketStore, database: Database, database_url: str
) -> None:
    wrong = await open_promised(store)
    stale = await move(store, await open_promised(store), PICKED_UP, RESOLVED)
    done = verify(database_url)
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "1 of 2 tickets were moved just now and are yet to be brought up to date.",
        "2 tickets have the due times that their histories tell.",
    ]
    for change in (
        "response_breached = true, next_due_at = NULL WHERE version = 1",
        "sla_version = 9 WHERE version > 1",
    ):
        await database.row(Statement.of(text(f"UPDATE tickets SET {change}")))  # noqa: S608  # ours
    done = verify(database_url)
    lines = sorted(done.stdout.splitlines())
    assert done.returncode == 1
    assert lines[0] == "2 of 2 tickets have wrong due times."
    assert [line for line in lines if line.startswith(f"{wrong.id} next_due_at: stored None")]
    assert f"{wrong.id} response_breached: stored True, its history tells False" in lines
    assert f"{stale.id} sla_version: stored 9, its history tells 3" in lines
