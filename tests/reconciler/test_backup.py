"""A backup is complete and verifiable, and is restored completely or not at all."""

import json
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from hashlib import sha256
from tempfile import TemporaryFile

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from engine.errors import InvalidBackup
from engine.sealing.anchor_key import AnchorKey
from engine.storage.history.anchors import make_anchor
from engine.storage.history.audit import audit_histories
from engine.storage.migrate import migrate
from engine.storage.postgres.database import Database, open_database
from engine.storage.tickets.store import TicketStore
from engine.storage.user_settings import save_settings, save_view
from engine.tickets.commands import AssignTicket, CommentTicket, CreateTicket, TransitionTicket
from engine.user_settings import SavedView, UserSettings
from engine.vocabulary import Status
from reconciler.backup import backup_lines, restore
from reconciler.desired import read_desired
from reconciler.diff import diff
from reconciler.record_audit import AuditedAnchors
from reconciler.values import ValuesInput
from tests.support.bulk_data import open_many
from tests.support.databases import EMPTY, execute, new_database
from tests.support.declared_resources import DEFAULTS, put_resources
from tests.support.personas import ANNA, MARTON
from tests.support.seals import seal_everything
from tests.support.webhook_deliveries import enqueue, enqueued, webhook

KEY = AnchorKey.new()
TICKETS = 100_000 if os.environ.get("HYPOTHESIS_PROFILE") == "soak" else 25_000
PLAIN = {"title": "Another", "workflow": "service_request"}
AWKWARD = '"quotes", \\ and / and \t tab,\r\n lines, é, \U0001f525, \u2028, - {not: yaml}'


async def backup(database: Database) -> list[str]:
    text = "".join([each async for each in backup_lines(database)])
    return text.splitlines(keepends=True) if "\u2028" not in text else lines_of(text)


def lines_of(text: str) -> list[str]:
    """Split a text as a file is read: only a line feed ends a line."""
    return [f"{line}\n" for line in text.split("\n")[:-1]]


@asynccontextmanager
async def empty_database(server: str) -> AsyncIterator[Database]:
    async with new_database(server, EMPTY) as url:
        await migrate(url)
        async with open_database(url) as database:
            yield database


@pytest.fixture
async def other_database(server: str) -> AsyncIterator[Database]:
    async with empty_database(server) as database:
        yield database


@pytest.fixture
async def filled(database: Database, store: TicketStore) -> Database:
    for number in range(3):
        command = CreateTicket.parse(
            title=f"No. {number}", description=AWKWARD, workflow="service_request", assignee="u_c4"
        )
        ticket = await store.create(ANNA, command)
        await store.comment(ANNA, CommentTicket.parse(ticket=ticket.id, text=AWKWARD))
        transition = TransitionTicket.parse(ticket=ticket.id, to=Status.IN_PROGRESS)
        await store.transition(MARTON, transition)
    await save_settings(database, ANNA.id, UserSettings.parse(theme="dark"))
    await save_view(database, ANNA.id, SavedView.parse(name="Printers", query="text=printer"))
    return database


async def test_a_restored_database_has_the_same_backup(filled: Database, server: str) -> None:
    lines = await backup(filled)
    async with empty_database(server) as restored:
        rows = json.loads(lines[-1].split(": ", 1)[1])["rows"]
        assert (await restore(restored, lines)).rows == rows
        assert await backup(restored) == lines
        assert [flaw async for _, flaw in audit_histories(restored)] == [None] * 3


async def test_tickets_can_be_created_after_a_restore(filled: Database, server: str) -> None:
    lines = await backup(filled)
    async with empty_database(server) as restored:
        await restore(restored, lines)
        store = TicketStore(restored)
        command = CreateTicket.parse(title="Next", workflow="service_request")
        ticket = await store.create(ANNA, command)
        await store.assign(ANNA, AssignTicket.parse(ticket=ticket.id, assignee=ANNA.id))
        assert [flaw async for _, flaw in audit_histories(restored)] == [None] * 4


async def test_a_restored_webhook_receives_only_later_events(filled: Database, server: str) -> None:
    await put_resources(filled, [webhook("chat")])
    await TicketStore(filled).create(ANNA, CreateTicket.parse(**PLAIN))
    await enqueue(filled, 1)
    lines = await backup(filled)
    async with empty_database(server) as restored:
        await restore(restored, lines)
        ticket = await TicketStore(restored).create(ANNA, CreateTicket.parse(**PLAIN))
        await enqueue(restored, 1)
        assert await enqueued(restored) == [(ticket.id, 1)]


async def test_the_declaration_in_a_backup_can_be_planned(filled: Database) -> None:
    text = "".join(await backup(filled))
    declared = text[: text.index("tables:\n")]
    desired = read_desired(ValuesInput([("backup.yaml", declared)]))
    assert diff({each.key: each for each in DEFAULTS}, desired.resources) == ()


async def test_a_database_that_is_not_empty_is_not_changed(filled: Database) -> None:
    lines = await backup(filled)
    with pytest.raises(InvalidBackup, match="not empty"):
        await restore(filled, lines)
    assert await backup(filled) == lines


NESTED = [("plan", 50_000), ("details", 3_000), ("declaration", 500), ("declaration", 3_000)]


@pytest.mark.parametrize(("field", "depth"), NESTED)
async def test_a_deeply_nested_row_is_refused(
    filled: Database, other_database: Database, field: str, depth: int
) -> None:
    lines = await backup(filled)
    nested = "[" * depth + "]" * depth
    value = json.dumps(nested) if field == "details" else nested
    number = next(n for n, line in enumerate(lines) if f'"{field}":' in line)
    row = json.loads(lines[number].removeprefix("  - ")) | {field: 0}
    text = json.dumps(row, ensure_ascii=False).replace(f'"{field}": 0', f'"{field}": {value}')
    lines[number] = f"  - {text}\n"
    with pytest.raises(InvalidBackup):
        await restore(other_database, digested(lines))


Corruption = Callable[[list[str]], list[str]]

CORRUPTED: dict[str, tuple[Corruption, str]] = {
    "an empty file": (lambda lines: lines[:0], "not a backup"),
    "another file": (lambda lines: ["ticketing: {}\n", *lines[1:]], "not a backup"),
    "truncated": (lambda lines: lines[:-1], "truncated"),
    "truncated early": (lambda lines: lines[:20], "truncated"),
    "a missing row": (lambda lines: lines[:-2] + lines[-1:], "altered"),
    "swapped rows": (
        lambda lines: [*lines[:-3], lines[-2], lines[-3], lines[-1]],
        "altered",
    ),
    "a changed word": (
        lambda lines: [each.replace("No. 1", "No. 7") for each in lines],
        "altered",
    ),
    "content after the end": (lambda lines: [*lines, "- {}\n"], "content after"),
}


@pytest.mark.parametrize(("change", "words"), CORRUPTED.values(), ids=CORRUPTED)
async def test_a_corrupted_backup_changes_nothing(
    filled: Database, other_database: Database, change: Corruption, words: str
) -> None:
    lines, untouched = await backup(filled), await backup(other_database)
    with pytest.raises(InvalidBackup, match=words):
        await restore(other_database, change(lines))
    assert await backup(other_database) == untouched


async def test_an_altered_history_in_an_intact_backup_is_detected(
    filled: Database, owner: asyncpg.Connection, server: str
) -> None:
    await owner.execute("SET session_replication_role = replica")
    await owner.execute("UPDATE ticket_status_history SET actor = 'u_z9' WHERE seq = 3")
    lines = await backup(filled)
    async with empty_database(server) as restored:
        with pytest.raises(InvalidBackup, match="entry 3: its digest"):
            await restore(restored, lines)


@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(index=st.integers(0), character=st.sampled_from("x0\n {"))
async def test_any_changed_character_is_detected(
    filled: Database, other_database: Database, index: int, character: str
) -> None:
    text = "".join(await backup(filled))
    index %= len(text)
    if text[index] == character:
        return
    changed = text[:index] + character + text[index + 1 :]
    with pytest.raises(InvalidBackup):
        await restore(other_database, lines_of(changed))


async def test_a_backup_keeps_the_order_of_the_log(filled: Database, server: str) -> None:
    await seal_everything(filled)
    anchor = await make_anchor(filled, KEY)
    lines = await backup(filled)
    async with empty_database(server) as restored:
        assert (await restore(restored, lines, AuditedAnchors([anchor]))).anchor == anchor
        await seal_everything(restored)
        later = await make_anchor(restored, KEY)
        assert (later.number, later.heads_root) == (2, anchor.heads_root)
        assert await order_of_log(restored) == await order_of_log(filled)


async def order_of_log(database: Database) -> list[tuple[str, int]]:
    async with database.snapshot() as session:
        rows = await session.connection.fetch(
            "SELECT ticket, seq FROM ticket_status_history ORDER BY transaction, entry"
        )
    return [(row["ticket"], row["seq"]) for row in rows]


def digested(lines: list[str]) -> list[str]:
    """Return lines with the integrity line that fits them."""
    content = lines[:-1]
    rows = sum(line.startswith("  - ") for line in content)
    integrity = {"rows": rows, "sha256": sha256("".join(content).encode()).hexdigest()}
    return [*content, f"integrity: {json.dumps(integrity)}\n"]


def without(lines: list[str], text: str) -> list[str]:
    return [line for line in lines if text not in line]


async def test_a_backup_without_a_ticket_is_refused(filled: Database, server: str) -> None:
    await seal_everything(filled)
    lines = await backup(filled)
    ticket = (await order_of_log(filled))[0][0]
    async with empty_database(server) as restored:
        with pytest.raises(InvalidBackup, match=r"seal 1: it covers .* no longer exist"):
            await restore(restored, digested(without(lines, ticket)))


async def test_a_backup_that_was_sealed_again_is_refused_by_an_anchor(
    filled: Database, owner_url: str, server: str
) -> None:
    await seal_everything(filled)
    anchor = await make_anchor(filled, KEY)
    given = AuditedAnchors([anchor], [KEY.public])
    ticket = (await order_of_log(filled))[0][0]
    await execute(
        owner_url,
        "SET session_replication_role = replica",
        f"DELETE FROM ticket_status_history WHERE ticket = '{ticket}'",  # noqa: S608 - made here
        f"DELETE FROM ticket_search WHERE ticket = '{ticket}'",  # noqa: S608
        f"DELETE FROM tickets WHERE id = '{ticket}'",  # noqa: S608
        "DELETE FROM seals",
    )
    await seal_everything(filled)
    lines = await backup(filled)
    async with empty_database(server) as restored:
        with pytest.raises(InvalidBackup, match=r"anchor 1 of .* is not what was anchored"):
            await restore(restored, lines)
        without_anchor = digested(without(lines, "interlock-anchor"))
        with pytest.raises(InvalidBackup, match=r"anchor 1 of .* is not what was anchored"):
            await restore(restored, without_anchor, given)
        await restore(restored, without_anchor)


async def test_a_backup_with_the_anchor_of_another_key_is_refused(
    filled: Database, server: str
) -> None:
    await seal_everything(filled)
    await make_anchor(filled, AnchorKey.new())
    lines = await backup(filled)
    async with empty_database(server) as restored:
        with pytest.raises(InvalidBackup, match="is not a key of this installation"):
            await restore(restored, lines, AuditedAnchors(trusted=[KEY.public]))


async def test_a_large_backup_can_be_restored(database: Database, server: str) -> None:
    await open_many(database, TICKETS)
    first = sha256()
    async with empty_database(server) as restored:
        with TemporaryFile("w+", encoding="utf-8", newline="\n") as file:
            async for lines in backup_lines(database):
                file.write(lines)
                first.update(lines.encode())
            file.seek(0)
            await restore(restored, file)
        second = sha256()
        async for lines in backup_lines(restored):
            second.update(lines.encode())
    assert second.digest() == first.digest()
