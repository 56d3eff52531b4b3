"""plan, apply, revert, drift, export and workflows, as a CI job runs them."""

import json
import shlex
from pathlib import Path

import asyncpg
import pytest

from engine.storage.postgres.database import Database
from engine.storage.resources.reconciliations import RECONCILIATION_LOCK
from engine.storage.tickets.store import TicketStore
from tests.support.command import interlock, interlock_process, on
from tests.support.lock_gates import Observer, open_observer
from tests.support.stored_sla import open_ticket_with_sla, stored

TRANSITIONS = """
      transitions:
        - {from: OPEN, to: IN_PROGRESS, role: assignee}
        - {from: IN_PROGRESS, to: CLOSED, role: %s}
"""
HEADER = "ticketing:\n  workflows:\n    - name: hotfix"


class Job:
    """A folder with values files in which commands run on one database."""

    def __init__(self, folder: Path, database_url: str) -> None:
        self.folder = folder
        self.database_url = database_url
        self.write("base.yaml", HEADER + TRANSITIONS % "assignee")
        self.write("wider.yaml", HEADER + TRANSITIONS % "any")
        self.write("wrong.yaml", HEADER + TRANSITIONS % "asignee")
        self.write("none.yaml", "ticketing: {}\n")

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def run(self, *arguments: str, code: int = 0, process: bool = False) -> str:
        """Run a command, assert its exit code, and return its output and error output."""
        run = interlock_process if process else interlock
        done = run(*arguments, folder=self.folder, env=on(self.database_url))
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def job(tmp_path: Path, database_url: str) -> Job:
    return Job(tmp_path, database_url)


def test_a_change_is_planned_applied_and_reverted(job: Job) -> None:
    job.run("plan", "-f", "base.yaml", "--detailed-exitcode", code=2, process=True)
    printed = job.run("plan", "-f", "base.yaml", "--out", "plan.json")
    assert "hotfix" in printed
    assert "interlock apply plan.json" in printed
    job.run("apply", "plan.json", "--by", "ada", process=True)
    job.run("plan", "-f", "base.yaml", "--detailed-exitcode")
    job.run("drift", "-f", "base.yaml")
    assert "already applied by ada" in job.run("apply", "plan.json", code=4, process=True)

    widened = job.run("apply", "-f", "wider.yaml", "--yes", code=3, process=True)
    assert "--allow-widening" in widened
    job.run("apply", "-f", "wider.yaml", "--allow-widening", "--yes", "--source", "git:abc123")
    assert "git:abc123" in job.run("workflows", "history", "hotfix")
    differs = job.run("drift", "-f", "base.yaml", code=2)
    assert "The database differs from the declaration" in differs
    revisions = json.loads(job.run("workflows", "history", "hotfix", "--json"))
    first = str(revisions[-1]["revision"])
    assert "role: assignee}" in job.run("workflows", "show", "hotfix", "--revision", first)

    assert "hotfix changed after the plan was applied" in job.run("revert", "plan.json", code=4)
    job.run("plan", "-f", "none.yaml", "--out", "unused.json")
    assert "was never applied" in job.run("revert", "unused.json", code=1)
    job.run("plan", "-f", "none.yaml", "--out", "gone.json")
    job.run("apply", "gone.json", "--allow-empty")
    job.run("revert", "gone.json", "--out", "back.json")
    job.run("apply", "back.json")
    job.run("drift", "-f", "wider.yaml")


def test_a_stale_plan_is_refused_as_stale_before_its_hazards(job: Job) -> None:
    job.run("apply", "-f", "base.yaml", "--yes")
    job.run("plan", "-f", "wider.yaml", "--out", "wider.json")
    refused = job.run("apply", "wider.json", code=3)
    assert "--allow-widening: Under workflow hotfix, more users can make" in refused
    assert refused.splitlines()[-1] == "To apply it, add: --allow-widening"
    job.run("apply", "wider.json", "--allow-widening", "--by", "ada")
    assert "already applied by ada" in job.run("apply", "wider.json", code=4)
    job.run("apply", "-f", "none.yaml", "--allow-empty", "--yes")
    assert "already applied by ada" in job.run("apply", "wider.json", code=4)

    job.run("apply", "-f", "base.yaml", "--yes")
    job.run("plan", "-f", "wider.yaml", "--out", "late.json")
    job.run("apply", "-f", "none.yaml", "--allow-empty", "--yes")
    printed = job.run("apply", "late.json", code=4)
    assert "workflow hotfix: planned: declared as" in printed
    assert "--allow-widening" not in printed.splitlines()[-1]


def test_a_plan_ends_with_the_command_that_applies_it(job: Job) -> None:
    job.run("apply", "-f", "base.yaml", "--yes")
    printed = job.run("plan", "-f", "wider.yaml").splitlines()
    assert printed[-3] == "Plan: 1 to update."
    assert printed[-1] == "To apply it, add: --allow-widening"
    printed = job.run("plan", "-f", "wider.yaml", "--out", "a plan.json").splitlines()
    command = "interlock apply 'a plan.json' --allow-widening"
    assert printed[-1] == f"The plan is saved. To apply it, run: {command}"
    assert "To apply it" not in job.run(*shlex.split(command)[1:])


def test_texts_in_a_table_are_printed_as_they_are(job: Job) -> None:
    job.run("apply", "-f", "base.yaml", "--yes", "--source", "[red]:a: \x1b[1m")
    assert r"[red]:a: \x1b[1m" in job.run("workflows", "history", "hotfix")


def test_planning_an_export_results_in_no_changes(job: Job) -> None:
    job.run("apply", "-f", "base.yaml", "--set", "ticketing.autoClose.afterResolved=1h", "--yes")
    job.write("exported.yaml", job.run("export"))
    job.run("plan", "-f", "exported.yaml", "--detailed-exitcode")
    assert job.run("export") == (job.folder / "exported.yaml").read_text("utf-8")


@pytest.mark.parametrize("command", [("plan",), ("apply", "--yes"), ("drift",)], ids=str)
def test_arguments_win_over_files_as_in_helm(job: Job, command: tuple[str, ...]) -> None:
    named, renamed = "ticketing.workflows[0].displayName=7", "ticketing.workflows[0].displayName=9"
    only_text = job.run(*command, "-f", "base.yaml", "--set", named, code=6)
    assert "--set 'ticketing.workflows[0].displayName=7':1:36: error:" in only_text
    words = ("-f", "base.yaml", "--set-string", renamed, "--set", named)
    printed = job.run(*command, *words, code=2 if command == ("drift",) else 0)
    assert "hotfix  base.yaml:3:7" in printed


def test_set_string_assigns_text_and_wins_over_set(job: Job) -> None:
    words = ("--set-string", "ticketing.workflows[0].displayName=9", "--yes")
    job.run("apply", "-f", "base.yaml", *words, "--set", "ticketing.workflows[0].displayName=x")
    assert 'displayName: "9"' in job.run("export")
    assert words[1] in job.run("workflows", "history", "hotfix", "--json")


REFUSED = {
    "an invalid declaration": (("plan", "-f", "wrong.yaml"), 6, "wrong.yaml:6"),
    "a missing file": (("plan", "-f", "nowhere.yaml"), 6, "nowhere.yaml"),
    "no file": (("plan",), 64, "--values"),
    "neither a plan nor files": (("apply",), 64, "a saved PLAN"),
    "a plan and values": (("apply", "plan.json", "--set-string", "a=1"), 64, "work only with -f"),
    "a missing plan": (("apply", "nowhere.json"), 6, "nowhere.json: can't be read"),
    "a missing plan to revert": (("revert", "nowhere.json"), 6, "nowhere.json: can't be read"),
    "a missing backup": (("restore", "nowhere.yaml"), 6, "nowhere.yaml: can't be read"),
    "a file that is not a plan": (("apply", "base.yaml", "--yes"), 6, "invalid_plan"),
    "no terminal for the confirmation": (("apply", "-f", "base.yaml"), 64, "--yes"),
    "a file name that is not UTF-8": (
        ("plan", "-f", "b\udcff.yaml"),
        1,
        r"b\xff.yaml is not UTF-8",
    ),
    "a source that is not UTF-8": (
        ("plan", "-f", "base.yaml", "--source", "\udcff"),
        1,
        r"\xff is",
    ),
    "a user name that is not UTF-8": (
        ("apply", "-f", "base.yaml", "--yes", "--by", "\udcff"),
        1,
        r"\xff is",
    ),
    "an invalid number of days": (("plan", "-f", "base.yaml", "--replay", "soon"), 1, "90d"),
    "an unknown workflow": (("workflows", "history", "hotfx"), 1, "was never"),
}


@pytest.mark.parametrize(("arguments", "code", "message"), REFUSED.values(), ids=REFUSED)
def test_a_wrong_command_line_is_refused(
    job: Job, arguments: tuple[str, ...], code: int, message: str
) -> None:
    assert message in job.run(*arguments, code=code)


@pytest.mark.parametrize(
    ("by", "words"), [("database_url", "started by bob at 20"), ("owner_url", "started by bob)")]
)
async def test_a_refusal_names_the_user_who_reconciles(
    job: Job, request: pytest.FixtureRequest, by: str, words: str
) -> None:
    """PostgreSQL shows the time of the start only to the same database role."""
    async with (
        open_observer(request.getfixturevalue(by)) as other,
        other.holding(
            "SET LOCAL application_name = 'interlock reconcile: bob'",
            f"SELECT pg_advisory_xact_lock({RECONCILIATION_LOCK})",
        ),
    ):
        refused = job.run("apply", "-f", "base.yaml", "--yes", code=5, process=True)
    assert words in refused


async def test_a_stored_policy_that_differs_from_the_declaration_is_drift_and_repaired(
    job: Job, database_url: str
) -> None:
    job.run("apply", "-f", "base.yaml", "--yes")
    connection = await asyncpg.connect(database_url)
    await connection.execute("UPDATE workflows SET policy = 0 WHERE name = 'hotfix'")
    await connection.close()
    for command in ("drift", "plan"):
        printed = job.run(command, "-f", "base.yaml", code=2 if command == "drift" else 0)
        assert "* hotfix  base.yaml:3:7" in printed
        assert "stored policy: differs → as declared" in printed
        assert "Plan: 1 to repair." in printed
    refused = job.run("apply", "-f", "base.yaml", "--yes", code=3)
    assert "--allow-widening: Under workflow hotfix" in refused
    job.run("apply", "-f", "base.yaml", "--yes", "--allow-widening")
    assert "no changes" in job.run("drift", "-f", "base.yaml")


async def test_a_stored_due_time_that_differs_from_the_history_is_drift_and_repaired(
    job: Job, database: Database, store: TicketStore, observer: Observer
) -> None:
    job.run("apply", "-f", "base.yaml", "--yes")
    ticket = await open_ticket_with_sla(store)
    due = await stored(database, ticket)
    await observer.connection.execute("UPDATE tickets SET resolution_due_at = now()")
    for command in ("drift", "plan"):
        printed = job.run(command, "-f", "base.yaml", code=2 if command == "drift" else 0)
        assert f"1 ticket with stored values that differ from the history: {ticket.id}" in printed
        assert "What differs: resolution_due_at of 1 ticket" in printed
        assert "Plan: values of 1 ticket to repair." in printed
    job.run("drift", "-f", "base.yaml", "--no-tickets")
    job.run("plan", "-f", "base.yaml", "--out", "plan.json")
    job.run("apply", "plan.json")
    assert await stored(database, ticket) == due
    job.run("drift", "-f", "base.yaml")


async def test_commands_that_only_read_do_not_migrate_the_database(
    tmp_path: Path, owner_url: str, owner: asyncpg.Connection
) -> None:
    await owner.execute("DROP TABLE alembic_version")
    assert "interlock migrate" in Job(tmp_path, owner_url).run("plan", "-f", "base.yaml", code=1)
    assert await owner.fetchval("SELECT to_regclass('alembic_version')") is None
