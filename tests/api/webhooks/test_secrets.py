"""Requests are signed with the secrets of their webhook, and not sent without one."""

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
    deliver_due,
    metric_values,
)


async def test_both_secrets_sign_while_one_replaces_the_other(
    servers: Servers, receiver: Receiver, store: TicketStore, database: Database
) -> None:
    file = servers.folder / "chat"
    file.unlink()
    file.mkdir()
    for name, secret in {"new": OTHER_SECRET, "old": f"{SECRET}\n", "..data": "no secret"}.items():
        (file / name).write_text(secret)
    await declare(database, receiver.url)
    await open_ticket(store)
    async with servers.running():
        await receiver.wait_for(1)
    assert all(receiver.received[0].is_signed_with(each) for each in (SECRET, OTHER_SECRET))


def remove(file: Path) -> None:
    file.unlink()


def write_blanks(file: Path) -> None:
    file.write_text(" \n")


def write_other_text(file: Path) -> None:
    file.write_text(f"{SECRET} or so")


def write_six_secrets(file: Path) -> None:
    file.write_text("\n".join([SECRET] * 6))


def write_bytes(file: Path) -> None:
    file.write_bytes(b"\xff\xfe")


INVALID = {
    "secret_missing": (remove, write_blanks),
    "secret_invalid": (write_other_text, write_six_secrets, write_bytes),
}


@pytest.mark.parametrize(
    ("reason", "invalidate"),
    [(reason, each) for reason, changes in INVALID.items() for each in changes],
)
async def test_nothing_is_sent_without_a_valid_secret(
    servers: Servers,
    receiver: Receiver,
    store: TicketStore,
    database: Database,
    reason: str,
    invalidate: Callable[[Path], None],
) -> None:
    invalidate(servers.folder / "chat")
    await declare(database, receiver.url)
    await open_ticket(store)
    with capture_logs() as logged:
        worker = await servers.worker()
        await deliver_due(worker)
    assert receiver.received == []
    assert metric_values(worker)["interlock_webhook_blocked", reason] == 1
    assert SECRET not in str(logged)
