"""`interlock deploy` prepares a database, and fails where a person must decide."""

from collections.abc import AsyncIterator
from hashlib import sha256
from pathlib import Path

import pytest

from engine.errors import ForbiddenTransition
from engine.storage.postgres.database import Database, open_database
from engine.storage.resources.live_declaration import read_live_declaration
from engine.storage.resources.workflows import read_workflows
from engine.storage.servers import ServerReport, report_server
from engine.storage.tickets.store import TicketStore
from engine.vocabulary import Status
from tests.support.command import interlock, on
from tests.support.concurrent_changes import open_ticket, pick_up
from tests.support.databases import EMPTY, SERVER_ROLE, as_server, new_database

NARROW = """
ticketing:
  workflows:
    - name: hotfix
      displayName: Hotfix
      transitions:
        - {from: OPEN, to: IN_PROGRESS, role: assignee}
        - {from: IN_PROGRESS, to: CLOSED, role: assignee}
"""
WIDE = NARROW.replace("CLOSED, role: assignee", "CLOSED, role: any")
GROUPS = "ticketing: {groups: [network-team]}"
REFUSED, STALE, INVALID = 3, 4, 6


@pytest.fixture
async def url(template: str) -> AsyncIterator[str]:
    """Return the address, for its owner, of a database without a schema."""
    async with new_database(template, EMPTY) as address:
        yield address


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    async with open_database(url) as opened:
        yield opened


class Job:
    """A folder with the pieces of a declaration, which is deployed."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder = folder
        self.url = url

    def put(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def run(self, *options: str, code: int = 0) -> str:
        """Deploy, assert the exit code, and return the output and the error output."""
        done = interlock("deploy", "-f", str(self.folder), *options, env=on(self.url))
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr


@pytest.fixture
def job(tmp_path: Path, url: str) -> Job:
    made = Job(tmp_path, url)
    made.put("a.yaml", NARROW)
    return made


def approval_in(printed: str) -> str:
    """Return the approval that a refused plan needs."""
    [line] = [each for each in printed.splitlines() if "set ticketing.approvedPlan: " in each]
    return line.partition("approvedPlan: ")[2].partition(" ")[0]


async def test_an_empty_database_is_ready_for_servers_of_another_role(job: Job, url: str) -> None:
    printed = job.run("--grant-to", SERVER_ROLE)
    assert "+ hotfix" in printed
    async with open_database(as_server(url)) as database:
        live = await read_live_declaration(database)
        await open_ticket(TicketStore(database))
    assert f"The declaration sha256:{live.digest} is active." in printed.splitlines()
    again = job.run("--grant-to", SERVER_ROLE)
    assert "no changes" in again
    assert f"The declaration sha256:{live.digest} is active." in again.splitlines()


def test_a_role_that_does_not_exist_is_named(job: Job) -> None:
    assert "The database has no role 'missing'" in job.run("--grant-to", "missing", code=1)


def test_exactly_the_approved_plan_is_let_through_and_only_once(job: Job) -> None:
    job.run()
    job.put("a.yaml", WIDE)
    refused = job.run(code=REFUSED)
    assert "~ hotfix" in refused
    assert "widens_rights: Under workflow hotfix, more users can make" in refused
    approval = approval_in(refused)
    assert approval == approval_in(job.run(code=REFUSED))

    approved = f"ticketing: {{approvedPlan: '{approval}'}}"
    job.put("approval.yaml", approved)
    job.put("b.yaml", GROUPS)
    assert approval_in(job.run(code=REFUSED)) != approval
    (job.folder / "b.yaml").unlink()
    assert "1 to update" in job.run()
    assert "no changes" in job.run()

    job.put("a.yaml", NARROW)
    job.run()
    job.put("a.yaml", WIDE)
    assert approval_in(job.run(code=REFUSED)) != approval


SEED = """
ticketing:
  defaultWorkflows: [service_request]
  workflows:
    - &flow
      name: changed
      displayName: Changed
      transitions:
        - {from: OPEN, to: IN_PROGRESS, role: assignee}
        - {from: IN_PROGRESS, to: CLOSED, role: any}
    - {<<: *flow, name: removed, displayName: Removed}
"""
REMOVED = (
    "{name: removed, displayName: Removed, transitions: ["
    "{from: OPEN, to: IN_PROGRESS, role: assignee}, {from: IN_PROGRESS, to: CLOSED, role: any}]}"
)
NEXT_SEED = SEED.replace("displayName: Changed", "displayName: Renamed").replace(
    "name: removed, displayName: Removed", "name: added, displayName: Added"
)


async def test_an_upgrade_reconciles_the_seed(job: Job, database: Database) -> None:
    job.put("a.yaml", SEED)
    job.run()
    store = TicketStore(database)
    tickets = [await open_ticket(store, workflow=each) for each in ("changed", "removed")]
    job.put("a.yaml", NEXT_SEED)
    refused = job.run(code=REFUSED)
    assert "strands_tickets: Retiring workflow removed strands 1 live ticket." in refused
    registry = (await read_workflows(database)).registry.workflows
    assert (registry["changed"].display_name, "added" in registry) == ("Changed", False)

    job.put("approval.yaml", f"ticketing: {{approvedPlan: '{approval_in(refused)}'}}")
    job.run()
    registry = (await read_workflows(database)).registry.workflows
    states = {name: (each.display_name, each.retired) for name, each in registry.items()}
    assert states == {
        "added": ("Added", False),
        "changed": ("Renamed", False),
        "removed": ("Removed", True),
        "service_request": ("Service Request", False),
    }
    changed, removed = tickets
    assert (await pick_up(store, changed)).status is Status.IN_PROGRESS
    with pytest.raises(ForbiddenTransition, match="removed is retired"):
        await pick_up(store, removed)

    job.put("b.yaml", "ticketing: {workflows: [" + REMOVED + "]}")
    job.run()
    assert (await pick_up(store, removed)).status is Status.IN_PROGRESS


def test_an_approval_holds_for_apply_as_well(job: Job) -> None:
    job.run()
    job.put("a.yaml", WIDE)
    approval = approval_in(job.run(code=REFUSED))
    words = ("-f", str(job.folder), "--yes", "--set")
    wrong = interlock("apply", *words, f"ticketing.approvedPlan=sha256:{64 * '0'}", env=on(job.url))
    assert wrong.returncode == REFUSED
    assert "which is not the approval of this plan" in wrong.stderr
    right = interlock("apply", *words, f"ticketing.approvedPlan={approval}", env=on(job.url))
    assert (right.returncode, right.stdout.splitlines()[-1]) == (0, "Applied.")


def test_files_with_errors_change_nothing(job: Job) -> None:
    job.put("a.yaml", "ticketing: {enabled: maybe}")
    job.run(code=INVALID)
    assert "no schema" in interlock("export", env=on(job.url)).stderr


def test_the_content_of_the_files_is_waited_for(job: Job) -> None:
    job.put("b.yaml", GROUPS)
    content = sha256((NARROW + GROUPS).encode()).hexdigest()
    job.run("--content", f"sha256:{content}")
    job.put("b.yaml", GROUPS.replace("network", "other"))
    late = job.run("--content", f"sha256:{content}", "--timeout", "0", code=1)
    assert f"not sha256:{content}. This did not change within 0 seconds." in late


async def test_all_servers_must_use_the_declaration(job: Job, database: Database) -> None:
    job.run()
    live = await read_live_declaration(database)
    assert "0 of 2 servers report" in job.run("--servers", "2", "--timeout", "0", code=1)
    await report_server(database, "a", ServerReport("pod-a", "1.0", live.digest))
    await report_server(database, "b", ServerReport("pod-b", "1.1", "old"))
    late = job.run("--timeout", "0", code=1)
    assert "1 server of 2 still use another declaration: pod-b." in late
    await report_server(database, "b", ServerReport("pod-b", "1.1", live.digest))
    printed = job.run("--servers", "2").splitlines()
    assert printed[-2:] == [
        "pod-a uses it (Interlock 1.0).",
        "pod-b uses it (Interlock 1.1).",
    ]


def test_a_database_that_does_not_respond_is_waited_for(job: Job) -> None:
    nowhere = on("postgresql://user@127.0.0.1:1/none")
    done = interlock("deploy", "-f", str(job.folder), "--timeout", "0", env=nowhere)
    assert done.returncode == 1
    assert "This did not change within 0 seconds." in done.stderr
