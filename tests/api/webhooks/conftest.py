"""A receiver, and the servers that may call it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from engine.storage.postgres.database import Database
from engine.webhooks.host_allowlist import HostList
from tests.support.webhook_receiver import SECRET, Receiver, Servers, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as opened:
        yield opened


@pytest.fixture
def servers(database: Database, receiver: Receiver, tmp_path: Path) -> Servers:
    (tmp_path / "chat").write_text(SECRET)
    return Servers(database, tmp_path, HostList.of(receiver.origin))
