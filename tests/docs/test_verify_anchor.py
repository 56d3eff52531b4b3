"""docs/verify_anchor.py verifies what Interlock prints, and finds what does not fit."""

import json
import re
import subprocess
import sys
from ast import Import, ImportFrom, parse, walk
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from engine.sealing.anchor import Anchor
from engine.sealing.anchor_key import AnchorKey
from engine.storage.history.anchors import make_anchor
from engine.storage.history.proofs import prove_ticket
from engine.storage.postgres.connection import connect
from engine.storage.postgres.database import Database, Session, open_database
from reconciler.backup import backup_lines
from tests.support.databases import new_database
from tests.support.forger import Forger
from tests.support.paths import ROOT
from tests.support.seals import seal_everything
from tests.support.tampering import CLOSED, LIVE, fill

PROGRAM = ROOT / "docs" / "verify_anchor.py"
KEY = AnchorKey.new()


@dataclass(frozen=True)
class Outputs:
    """What Interlock prints about one database: an anchor, a later backup, and a proof."""

    anchor: Anchor
    backup: str
    proof: str


async def outputs(database: Database, anchor: Anchor) -> Outputs:
    backup = "".join([lines async for lines in backup_lines(database)])
    async with database.snapshot() as session:
        ticket = await session.connection.fetchval("SELECT id FROM tickets WHERE title = $1", LIVE)
        return Outputs(anchor, backup, await prove_ticket(session, ticket, anchor))


@pytest.fixture(scope="module")
async def printed(template: str) -> AsyncIterator[Outputs]:
    async with new_database(template) as url, open_database(url) as database:
        yield await outputs(database, await fill(database, KEY))


def verify(folder: Path, document: str, backup: str | None = None, key: AnchorKey = KEY) -> str:
    """Run the program; return its output and its errors."""
    files = {"document.json": document} | ({} if backup is None else {"backup.yaml": backup})
    for name, content in files.items():
        (folder / name).write_text(content, "utf-8")
    done = subprocess.run(  # noqa: S603  # our own program
        [sys.executable, "-I", PROGRAM, key.public.text, *files],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "Traceback" not in done.stderr, done.stderr
    assert (done.returncode == 0) == done.stdout.startswith("Verified ")
    return done.stdout + done.stderr


def test_the_program_is_short_and_shares_no_code() -> None:
    text = PROGRAM.read_text("utf-8")
    imported = {
        name.partition(".")[0]
        for node in walk(parse(text))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, Import)
            else [node.module or ""]
            if isinstance(node, ImportFrom)
            else []
        )
    }
    assert imported <= {*sys.stdlib_module_names, "cryptography"}
    code = [line for line in text.splitlines() if line.strip()]
    assert len(code) <= 180


def test_a_backup_is_verified_against_an_anchor(printed: Outputs, tmp_path: Path) -> None:
    anchor = printed.anchor
    assert verify(tmp_path, anchor.text, printed.backup) == (
        f"Verified {anchor.entries} entries of {anchor.tickets} tickets against {anchor}.\n"
    )


def test_a_proof_is_verified_without_a_backup(printed: Outputs, tmp_path: Path) -> None:
    ticket = json.loads(printed.proof)["entries"][0]["ticket"]
    expected = f"Verified the whole history of {ticket} up to {printed.anchor}.\n"
    assert verify(tmp_path, printed.proof) == expected


def test_another_key_is_refused(printed: Outputs, tmp_path: Path) -> None:
    for document in (printed.anchor.text, printed.proof):
        output = verify(tmp_path, document, printed.backup, AnchorKey.new())
        assert output.startswith("NOT VERIFIED: the key is another one")


def test_another_statement_is_refused(printed: Outputs, tmp_path: Path) -> None:
    changed = printed.anchor.model_copy(update={"tickets": 2}).text
    assert verify(tmp_path, changed, printed.backup) == (
        "NOT VERIFIED: the signature is not valid\n"
    )


Change = Callable[[str], str]


def rows_of(table: str) -> str:
    return rf"(?<=\n  {table}:\n)(?:  - .*\n)*"


def without(table: str, start: int, end: int | None = None) -> Change:
    """Return the change of a backup that removes rows of a table: by default, all that follow."""

    def change(backup: str) -> str:
        [rows] = re.findall(rows_of(table), backup)
        lines = rows.splitlines(keepends=True)
        del lines[start:end]
        return backup.replace(rows, "".join(lines))

    return change


def swapped(backup: str) -> str:
    [rows] = re.findall(rows_of("ticket_status_history"), backup)
    first, second, *others = rows.splitlines(keepends=True)
    return backup.replace(rows, "".join([second, first, *others]))


ALTERED: dict[str, tuple[Change, str]] = {
    "a comment": (lambda text: text.replace("Since this morning", "Never"), "entry 2 was changed"),
    "an actor": (lambda text: text.replace('"actor":"u_c4"', '"actor":"u_z9"'), "was changed"),
    "a policy": (
        lambda text: re.sub(
            r'(?<="policy":)\d+(?=,"file":null,.{11},"reconciliation":3)', "1", text
        ),
        "workflow_revisions 11 was changed",
    ),
    "an author": (
        lambda text: text.replace('"applied_by":"tests"', '"applied_by":"u_z9"'),
        "reconciliations 1 was changed",
    ),
    "an entry removed": (without("ticket_status_history", 0, 1), "seal 1 does not cover"),
    "the last entries removed": (without("ticket_status_history", 10), "seal 3 does not cover"),
    "swapped entries": (swapped, "seal 1 does not cover what was sealed"),
    "a name removed": (without("user_names", 0, 1), "seal 1 does not cover what was sealed"),
    "a seal removed": (without("seals", 0, 1), "seal 1 does not cover what was sealed"),
    "the last seals removed": (without("seals", 2), "the seals are not those of the anchor"),
    "a reconciliation removed": (without("reconciliations", 2), "does not cover"),
}


@pytest.mark.parametrize(("change", "message"), ALTERED.values(), ids=ALTERED)
def test_an_altered_backup_is_refused(
    printed: Outputs, tmp_path: Path, change: Change, message: str
) -> None:
    altered = change(printed.backup)
    assert altered != printed.backup
    output = verify(tmp_path, printed.anchor.text, altered)
    assert output.startswith("NOT VERIFIED: ")
    assert message in output


ALTERED_PROOFS: dict[str, Callable[[dict[str, Any]], object]] = {
    "another index": lambda proof: proof.update(index=0),
    "a shorter path": lambda proof: proof["path"].pop(),
    "a longer path": lambda proof: proof["path"].append("00" * 32),
    "another sibling": lambda proof: proof["path"].__setitem__(0, "00" * 32),
    "a history without its end": lambda proof: proof["entries"].pop(),
    "a history without its beginning": lambda proof: proof["entries"].pop(0),
    "another entry": lambda proof: proof["entries"][1].update(new_value="Never"),
}


@pytest.mark.parametrize("change", ALTERED_PROOFS.values(), ids=ALTERED_PROOFS)
def test_an_altered_proof_is_refused(
    printed: Outputs, tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    proof = json.loads(printed.proof)
    change(proof)
    output = verify(tmp_path, json.dumps(proof, indent=2))
    assert output.startswith("NOT VERIFIED: ")


FORBIDDEN = {
    "a transition that is not declared": "new_value = 'OPEN' WHERE new_value = 'CLOSED'",
    "without the role": "actor_bits = 0 WHERE new_value = 'RESOLVED'",
    "with the roles of another user": "actor = 'u_z9' WHERE new_value = 'RESOLVED'",
    "of another revision": "workflow_revision = 99 WHERE new_value = 'RESOLVED'",
    "from another status": "old_value = 'OPEN' WHERE new_value = 'RESOLVED'",
    "with an API key": """details = '{"key": "1a2b3c4d"}' WHERE new_value = 'RESOLVED'""",
}


@pytest.mark.parametrize("change", FORBIDDEN.values(), ids=FORBIDDEN)
async def test_a_forbidden_change_is_found_although_it_was_anchored(
    template: str, tmp_path: Path, change: str
) -> None:
    async with new_database(template) as url, open_database(url) as database:
        await fill(database, KEY)
        connection = await connect(url)
        forger = Forger(Session(connection))
        await forger.execute(
            "SET session_replication_role = replica",
            f"UPDATE ticket_status_history SET {change}",  # noqa: S608 - our own changes
            "DELETE FROM seals",
            "DELETE FROM anchors",
        )
        for title in (CLOSED, LIVE, "Login fails"):
            await forger.chain_history(str(await forger.ticket(title)))
        await connection.close()
        await seal_everything(database)
        found = await outputs(database, await make_anchor(database, KEY))
    assert re.fullmatch(
        r"NOT VERIFIED: (tk_\w+ entry \d+ was not permitted|a user in tk_\w+ has an API key)\n",
        verify(tmp_path, found.anchor.text, found.backup),
    )
