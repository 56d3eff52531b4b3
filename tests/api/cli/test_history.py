"""`interlock history`, run as users run it."""

import json
import re
from pathlib import Path

import pytest

from engine.sealing.anchor import Anchor, AnchorStatement
from engine.sealing.anchor_key import AnchorKey, AnchorPublicKey
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from tests.support.command import interlock, on
from tests.support.concurrent_changes import comment, open_ticket, pick_up
from tests.support.databases import SERVER_ROLE, execute
from tests.support.seals import seal_everything

KEY, OTHER_KEY = AnchorKey.new(), AnchorKey.new()
SIGNING = {"INTERLOCK_ANCHOR_KEY": KEY.pem}
TRUSTING = {"INTERLOCK_ANCHOR_PUBLIC_KEYS": KEY.public.text}
DATES = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")
ALL = (
    "Each ticket follows from its history. Each entry was possible under the rules and "
    "declarations of its time. Each digest covers its row and the digest before it. Due times, "
    "search words, names of users, plugins and declared resources follow from what is recorded."
)
SCHEMA = (
    "Tables, constraints, unique indexes and triggers are those that the migrations create; none "
    "of the triggers is disabled."
)
TICKETS = ("Verified 2 tickets.", ALL)
NO_ANCHOR = (
    "No anchor from outside the database was given (--against). Without one, rows that were "
    "changed within the rules, together with all their digests, are not found."
)
SEALS = (
    SCHEMA,
    "The seals up to number 1, of T, cover exactly the first 3 entries of the log, in this order.",
)
GIVEN = (
    "Against anchor 1 of T: none of the 3 entries, nor of the other rows that it covers, was "
    "changed, removed or moved, and no row was inserted among them."
)
UNTRUSTED = (
    "The signatures of the anchors are valid, but were not compared with a key: set "
    "INTERLOCK_ANCHOR_PUBLIC_KEYS."
)
STORED = "The anchors in the database match, too; the last is anchor 1 of T."


@pytest.fixture
async def url(store: TicketStore, database: Database, database_url: str) -> str:
    """Return the address of a database with two tickets, all of which is sealed."""
    await open_ticket(store)
    await pick_up(store, await open_ticket(store))
    await seal_everything(database)
    return database_url


def lines_of(output: str) -> list[str]:
    return DATES.sub("T", output).splitlines()


def make_anchor(url: str, folder: Path) -> tuple[Anchor, str]:
    """Make an anchor; return it with the name of its file."""
    done = interlock("history", "anchor", env=on(url) | SIGNING)
    assert done.returncode == 0, done.stderr
    return Anchor.parse(done.stdout, "output"), write(folder, done.stdout)


def write(folder: Path, content: str) -> str:
    """Write a file of anchors; return its name."""
    file = folder / "anchor.json"
    file.write_text(content, errors="surrogatepass")
    return str(file)


def test_keygen_prints_a_key_and_its_public_key() -> None:
    done = interlock("history", "keygen")
    variable, public = done.stderr.strip().split("=")
    assert variable == "INTERLOCK_ANCHOR_PUBLIC_KEYS"
    assert AnchorPublicKey.parse(public) == AnchorKey.parse(done.stdout).public


async def test_verify_says_what_it_verified(url: str) -> None:
    done = interlock("history", "verify", env=on(url))
    assert done.returncode == 0
    assert lines_of(done.stdout) == [*TICKETS, NO_ANCHOR, *SEALS]


async def test_verify_says_what_is_not_sealed(url: str, store: TicketStore) -> None:
    await open_ticket(store)
    done = interlock("history", "verify", env=on(url))
    assert lines_of(done.stdout)[-1] == "1 recorded row is not sealed yet, the oldest of T."


async def test_verify_warns_about_rights(url: str, owner_url: str) -> None:
    await execute(owner_url, f"GRANT UPDATE ON ticket_status_history TO {SERVER_ROLE}")
    done = interlock("history", "verify", env=on(url))
    assert done.returncode == 0
    assert lines_of(done.stdout)[-1] == (
        f"Warning: The role {SERVER_ROLE} has a right that no server needs: UPDATE on "
        "ticket_status_history."
    )


async def test_verify_reports_a_changed_schema(url: str, owner_url: str) -> None:
    await execute(owner_url, "ALTER TABLE seals DISABLE TRIGGER seals_append_only")
    done = interlock("history", "verify", env=on(url))
    assert done.returncode == 1
    assert lines_of(done.stdout) == [
        "trigger seals_append_only on seals: it is disabled",
        "1 flaw; 0 of 2 tickets have a flaw of their own.",
    ]


@pytest.mark.parametrize(
    ("settings", "trust"),
    [
        (TRUSTING, []),
        (
            {},
            [UNTRUSTED],
        ),
    ],
    ids=["with the key", "without the key"],
)
async def test_verify_against_an_anchor(
    url: str, tmp_path: Path, settings: dict[str, str], trust: list[str]
) -> None:
    _, file = make_anchor(url, tmp_path)
    done = interlock("history", "verify", "--against", file, env=on(url) | settings)
    assert done.returncode == 0
    assert lines_of(done.stdout) == [*TICKETS, GIVEN, STORED, *trust, *SEALS]


async def test_verify_against_several_anchors(url: str, tmp_path: Path) -> None:
    anchors = [make_anchor(url, tmp_path)[0].text for _ in range(3)]
    padding = [" " * 9_999] * 500  # more than the bound of other files
    file = write(tmp_path, "\n".join([*padding, *anchors]))
    done = interlock("history", "verify", "--against", file, env=on(url) | TRUSTING)
    assert done.returncode == 0
    assert lines_of(done.stdout)[2].startswith("Against anchor 1 of T and 2 other anchors: none")


async def test_an_anchor_states_what_is_recorded(
    url: str, store: TicketStore, tmp_path: Path
) -> None:
    await open_ticket(store)
    anchor, _ = make_anchor(url, tmp_path)
    assert anchor.is_authentic
    assert (anchor.number, anchor.tickets, anchor.entries) == (1, 3, 4)
    assert (anchor.unsealed, anchor.oldest_unsealed_at) == (0, None)


async def test_an_anchor_needs_a_key(url: str) -> None:
    done = interlock("history", "anchor", env=on(url))
    assert done.returncode == 1
    assert "INTERLOCK_ANCHOR_KEY or INTERLOCK_ANCHOR_KEY_FILE must be set" in done.stderr


async def test_a_deleted_ticket_is_found_although_everything_in_the_database_fits(
    url: str, owner_url: str, tmp_path: Path
) -> None:
    _, file = make_anchor(url, tmp_path)
    await execute(
        owner_url,
        "SET session_replication_role = replica;"
        "DELETE FROM ticket_status_history; DELETE FROM ticket_search; DELETE FROM tickets;"
        "DELETE FROM seals; DELETE FROM anchors",
    )
    assert interlock("history", "verify", env=on(url)).returncode == 0
    done = interlock("history", "verify", "--against", file, env=on(url) | TRUSTING)
    assert done.returncode == 1
    flaw, count = lines_of(done.stdout)
    assert flaw.startswith("anchor 1 of T: it was made after seal 1, and the database ends before")
    assert count == "1 flaw; 0 of 0 tickets have a flaw of their own."


FORGED = {
    "another key": (OTHER_KEY, {}, "it is signed with "),
    "another content": (KEY, {"tickets": 1}, "its signature is not valid"),
}


@pytest.mark.parametrize(("key", "change", "message"), FORGED.values(), ids=FORGED)
async def test_a_forged_anchor_is_found(
    url: str, tmp_path: Path, key: AnchorKey, change: dict[str, object], message: str
) -> None:
    genuine, _ = make_anchor(url, tmp_path)
    statement = genuine.model_dump(exclude={"signature"}) | {"key": key.public.text}
    forged = Anchor.sign(AnchorStatement(**statement), key).model_copy(update=change)
    file = write(tmp_path, forged.text)
    done = interlock("history", "verify", "--against", file, env=on(url) | TRUSTING)
    assert done.returncode == 1
    assert f"anchor 1 of T: {message}" in lines_of(done.stdout)[0]


UNREADABLE = {
    "no file": (None, "can't be read: No such file or directory."),
    "an empty file": ("\n", "has no anchor."),
    "other JSON": ("{}", "line 1: is not an anchor."),
    "no JSON": ("anchor", "line 1: is not an anchor."),
    "no text": ("\n\ud800", ":2:1: can't be read: it isn't UTF-8 text."),
    "a long line": ("\n" + "1" * 10_001, "line 2: is too long for an anchor."),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE)
async def test_an_unreadable_anchor_is_refused(
    database_url: str, tmp_path: Path, content: str | None, message: str
) -> None:
    file = str(tmp_path / "anchor.json") if content is None else write(tmp_path, content)
    done = interlock("history", "verify", "--against", file, env=on(database_url))
    assert done.returncode != 0
    assert done.stderr.startswith(f"interlock: {file}")
    assert message in done.stderr


async def test_a_proof_has_the_history_up_to_the_anchor(
    url: str, store: TicketStore, tmp_path: Path
) -> None:
    ticket = await open_ticket(store)
    await comment(store, ticket)
    anchor, file = make_anchor(url, tmp_path)
    await comment(store, ticket)
    done = interlock("history", "prove", ticket.id, "--anchor", file, env=on(url))
    proof = json.loads(done.stdout)
    assert [each["seq"] for each in proof["entries"]] == [1, 2]
    assert proof["index"] == 2
    assert proof["anchor"] == json.loads(anchor.text)
    assert interlock("history", "prove", ticket.id, env=on(url)).stdout == done.stdout


async def test_what_no_anchor_covers_cannot_be_proved(
    url: str, store: TicketStore, tmp_path: Path
) -> None:
    ticket = await open_ticket(store)
    done = interlock("history", "prove", ticket.id, env=on(url))
    assert (done.returncode, done.stdout) == (1, "")
    assert "The database has no anchor." in done.stderr
    make_anchor(url, tmp_path)
    late = await open_ticket(store)
    done = interlock("history", "prove", late.id, env=on(url))
    assert f"covers no ticket {late.id}." in done.stderr
