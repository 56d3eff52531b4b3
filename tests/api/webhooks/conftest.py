"""A receiver, and servers that can call it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.storage.postgres.database import Database
from engine.webhooks.host_allowlist import HostAllowlist
from tests.support.webhook_receiver import SECRET, Receiver, Servers, open_receiver


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with open_receiver() as opened:
        yield opened


@pytest.fixture
def servers(database: Database, receiver: Receiver, tmp_path: Path) -> Servers:
    (tmp_path / "chat").write_text(SECRET)
    return Servers(database, tmp_path, HostAllowlist.parse(receiver.origin))
