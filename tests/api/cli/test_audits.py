"""`interlock sla verify` and `interlock history verify`, run as users run them."""

import io
import re
import sys

import pytest
from sqlalchemy import text

from api.cli.audits import print_finding, progress_bar
from engine.storage.postgres.database import Database
from engine.storage.postgres.statements import Statement
from engine.storage.tickets.store import TicketStore
from tests.support.command import interlock, on
from tests.support.databases import execute
from tests.support.stored_sla import PICKED_UP, RESOLVED, open_ticket_with_sla, transition


async def test_sla_verify_reports_every_wrong_due_time(
    store: TicketStore, database: Database, database_url: str
) -> None:
    wrong = await open_ticket_with_sla(store)
    stale = await transition(store, await open_ticket_with_sla(store), PICKED_UP, RESOLVED)
    done = interlock("sla", "verify", env=on(database_url))
    assert done.returncode == 0
    assert done.stdout.splitlines() == [
        "1 of 2 tickets skipped: their due times are not updated yet.",
        "1 ticket: all due times match the history.",
    ]
    for change in (
        "response_breached = true, next_due_at = NULL WHERE version = 1",
        "sla_version = 9 WHERE version > 1",
    ):
        await database.row(Statement.of(text(f"UPDATE tickets SET {change}")))  # noqa: S608  # ours
    done = interlock("sla", "verify", env=on(database_url))
    lines = sorted(done.stdout.splitlines())
    assert done.returncode == 1
    assert lines[0] == "2 of 2 tickets have wrong due times."
    assert [line for line in lines if line.startswith(f"{wrong.id} next_due_at: stored None")]
    assert f"{wrong.id} response_breached: stored True, computed from its history False" in lines
    assert f"{stale.id} sla_version: stored 9, computed from its history 3" in lines


async def test_sla_verify_reports_a_history_that_cannot_be_read(
    store: TicketStore, database_url: str, owner_url: str
) -> None:
    ticket = await open_ticket_with_sla(store)
    await execute(
        owner_url,
        "SET session_replication_role = replica; UPDATE ticket_status_history SET details = '[1]'",
    )
    done = interlock("sla", "verify", env=on(database_url))
    difference, count = done.stdout.splitlines()
    assert done.returncode == 1
    assert difference == f"{ticket.id}: its history cannot be read; see `interlock history verify`"
    assert count == "1 of 1 ticket have wrong due times."


async def test_history_verify_reports_every_invalid_history(
    store: TicketStore, database: Database, database_url: str
) -> None:
    _valid, changed = await open_ticket_with_sla(store), await open_ticket_with_sla(store)
    assert interlock("history", "verify", env=on(database_url)).returncode == 0
    change = f"UPDATE tickets SET title = 'x' WHERE id = '{changed.id}'"  # noqa: S608  # ours
    await database.row(Statement.of(text(change)))
    done = interlock("history", "verify", env=on(database_url))
    flaw, search_flaw, count = done.stdout.splitlines()
    assert done.returncode == 1
    assert flaw.startswith(f"{changed.id} entry 2: title of the ticket is 'x', but ")
    assert search_flaw.endswith(
        "the words of the search are not those of its title and description"
    )
    assert count == "2 flaws; 1 of 2 tickets have a flaw of their own."


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_findings_are_printed_above_the_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Screen()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", screen)
    monkeypatch.setattr(sys, "stderr", screen)
    with progress_bar() as bar:
        bar.add_task("verifying", total=2)
        bar.refresh()
        print_finding("found")
    assert "verifying" in screen.getvalue()
    assert re.search(r"\r\x1b\[2Kfound\n", screen.getvalue())


def test_findings_go_to_a_redirected_standard_output(monkeypatch: pytest.MonkeyPatch) -> None:
    screen, redirected = Screen(), io.StringIO()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setattr(sys, "stdout", redirected)
    monkeypatch.setattr(sys, "stderr", screen)
    with progress_bar() as bar:
        bar.add_task("verifying", total=2)
        print_finding("found")
    assert redirected.getvalue() == "found\n"
    assert "found" not in screen.getvalue()
