"""Scheduled anchors are made once in each period, and published until that succeeds."""

from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from api.bootstrap.anchors import scheduled_anchors, trusted_keys
from api.runtime.anchors import AnchorFile, AnchorReceiver, ScheduledAnchors
from api.settings import Settings
from engine.errors import Misconfigured, Unavailable
from engine.sealing.anchor import Anchor
from engine.sealing.anchor_key import AnchorKey
from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from tests.support.concurrent_changes import open_ticket
from tests.support.seals import seal_everything

KEY, FORMER_KEY = AnchorKey.new(), AnchorKey.new()
HOUR_SECONDS = 3_600


@dataclass
class Receiver:
    """Receives anchors, and responds with the next status, at last with 204."""

    statuses: list[int] = field(default_factory=list)
    received: list[str] = field(default_factory=list)
    url: str = ""

    async def respond(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/json"
        self.received.append(await request.text())
        status = self.statuses.pop(0) if self.statuses else 204
        return web.Response(status=status, headers={"Location": "/elsewhere"})


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    opened = Receiver()
    application = web.Application()
    application.router.add_post("/anchors", opened.respond)
    async with TestServer(application) as server:
        opened.url = str(server.make_url("/anchors"))
        yield opened


def published(file: Path) -> list[Anchor]:
    return [Anchor.parse(line, "file") for line in file.read_text().splitlines()]


async def test_an_anchor_is_made_once_in_each_period(
    store: TicketStore, database: Database, tmp_path: Path
) -> None:
    await open_ticket(store)
    await seal_everything(database)
    file = tmp_path / "anchors.jsonl"
    scheduled = ScheduledAnchors(database, KEY, [AnchorFile(file)], HOUR_SECONDS)
    other = ScheduledAnchors(database, KEY, [AnchorFile(file)], HOUR_SECONDS)
    for each in (scheduled, other, scheduled):
        await each.run()
    [first] = published(file)
    assert (first.number, first.tickets, first.is_authentic) == (1, 1, True)
    scheduled.interval_seconds = 0
    await scheduled.run()
    assert [each.number for each in published(file)] == [1, 2]


async def test_an_anchor_is_sent_again_until_the_receiver_confirms_it(
    database: Database, receiver: Receiver
) -> None:
    receiver.statuses = [500, 302, 404]
    scheduled = ScheduledAnchors(database, KEY, [AnchorReceiver(receiver.url)], HOUR_SECONDS)
    for status in (500, 302, 404):
        with pytest.raises(Unavailable, match=f"responded with status {status}"):
            await scheduled.run()
    await scheduled.run()
    await scheduled.run()
    assert len(receiver.received) == 4
    assert len(set(receiver.received)) == 1
    assert Anchor.parse(receiver.received[0], "request").number == 1


async def test_a_destination_that_fails_does_not_affect_another(
    database: Database, receiver: Receiver, tmp_path: Path
) -> None:
    missing = tmp_path / "missing" / "anchors.jsonl"
    publishers = (AnchorFile(missing), AnchorReceiver(receiver.url))
    scheduled = ScheduledAnchors(database, KEY, publishers, HOUR_SECONDS)
    for _ in range(2):
        with pytest.raises(Unavailable, match=r"can't be written to .*: No such file"):
            await scheduled.run()
    assert len(receiver.received) == 1
    missing.parent.mkdir()
    await scheduled.run()
    assert [each.text for each in published(missing)] == receiver.received


@dataclass
class FaultyPublisher:
    """Raises the next error; without one, stores the anchor."""

    errors: list[Exception]
    stored: list[Anchor] = field(default_factory=list)

    async def publish(self, anchor: Anchor) -> None:
        if self.errors:
            raise self.errors.pop(0)
        self.stored.append(anchor)


async def test_an_anchor_waits_after_any_error(database: Database, tmp_path: Path) -> None:
    faulty, file = FaultyPublisher([ValueError("faulty")]), tmp_path / "anchors.jsonl"
    scheduled = ScheduledAnchors(database, KEY, [faulty, AnchorFile(file)], HOUR_SECONDS)
    with pytest.raises(ValueError, match="faulty"):
        await scheduled.run()
    await scheduled.run()
    assert [each.number for each in faulty.stored] == [1]
    assert published(file) == faulty.stored
    await scheduled.run()
    assert len(faulty.stored) == 1


async def test_the_address_of_a_receiver_is_not_in_errors(database: Database) -> None:
    publisher = AnchorReceiver("http://127.0.0.1:1/secret")
    scheduled = ScheduledAnchors(database, KEY, [publisher], HOUR_SECONDS)
    with pytest.raises(Unavailable, match="does not respond") as failed:
        await scheduled.run()
    assert "secret" not in str(failed.value)
    assert "secret" not in repr(scheduled)


def test_a_destination_needs_a_key(database: Database, tmp_path: Path) -> None:
    file = tmp_path / "anchors.jsonl"
    assert scheduled_anchors(database, Settings()) is None
    with pytest.raises(Misconfigured, match="must be set, to sign anchors"):
        scheduled_anchors(database, Settings(anchor_file=file))


def test_the_key_can_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "anchors.pem"
    file.write_text(KEY.pem)
    settings = Settings(anchor_key_file=file, anchor_public_keys=FORMER_KEY.public.text)
    assert [key.text for key in trusted_keys(settings)] == [
        KEY.public.text,
        FORMER_KEY.public.text,
    ]


UNUSABLE = {
    "no file": (None, "can't be read: No such file or directory"),
    "no key": ("hunter2", "cannot be used: it is not a private Ed25519 key in PEM"),
}


@pytest.mark.parametrize(("content", "message"), UNUSABLE.values(), ids=UNUSABLE)
def test_an_unusable_file_is_refused(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "anchors.pem"
    if content is not None:
        file.write_text(content)
    with pytest.raises(Misconfigured, match=message) as refused:
        trusted_keys(Settings(anchor_key_file=file))
    assert "hunter2" not in refused.value.message


def test_only_one_key_can_be_set(tmp_path: Path) -> None:
    settings = Settings(anchor_key=KEY.pem, anchor_key_file=tmp_path)
    with pytest.raises(Misconfigured, match="Only one of INTERLOCK_ANCHOR_KEY or"):
        trusted_keys(settings)
