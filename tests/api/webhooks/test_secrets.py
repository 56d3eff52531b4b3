"""What is told is signed with the secrets of its webhook, and without one nothing is."""

from collections.abc import Callable
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from engine.storage.postgres.database import Database
from engine.storage.tickets.store import TicketStore
from tests.support.concurrent_changes import open_ticket
from tests.support.webhook_receiver import (
    OTHER_SECRET,
    SECRET,
    Receiver,
    Servers,
    declare,
    see_state,
)


async def test_while_a_secret_takes_the_place_of_another_both_sign(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    file = servers.folder / "chat"
    file.unlink()
    file.mkdir()
    for name, secret in {"new": OTHER_SECRET, "old": f"{SECRET}\n", "..data": "no secret"}.items():
        (file / name).write_text(secret)
    await declare(database, receiver.url)
    await open_ticket(store)
    async with servers.at_work():
        await receiver.has(1)
    assert all(receiver.received[0].is_signed_with(each) for each in (SECRET, OTHER_SECRET))


def no_folder(file: Path) -> None:
    file.unlink()


def no_secret(file: Path) -> None:
    file.write_text(" \n")


def another_text(file: Path) -> None:
    file.write_text(f"{SECRET} or so")


def too_many(file: Path) -> None:
    file.write_text("\n".join([SECRET] * 6))


def no_text(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")


SPOILED = {
    "secret_missing": (no_folder, no_secret),
    "secret_unusable": (another_text, too_many, no_text),
}


@pytest.mark.parametrize(
    ("state", "spoil"), [(state, each) for state, found in SPOILED.items() for each in found]
)
async def test_without_a_secret_nothing_is_called(
    servers: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
    state: str,
    spoil: Callable[[Path], None],
) -> None:
    spoil(servers.folder / "chat")
    await declare(database, receiver.url)
    await open_ticket(store)
    with capture_logs() as logged:
        async with servers.at_work():
            await see_state(database, state)
    assert receiver.received == []
    assert SECRET not in str(logged)
