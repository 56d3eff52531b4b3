"""A server delivers according to its settings."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from api.settings import Settings
from engine.storage.postgres.database import Database
from engine.webhooks.host_allowlist import HostAllowlist
from tests.support.api_client import SECRET as TOKEN_SECRET
from tests.support.api_client import Api
from tests.support.personas import ANNA
from tests.support.webhook_receiver import SECRET, Receiver, declare

CREATE = """
mutation {
  createTicket(title: "Payments fail", workflow: "service_request") { ticket { id } }
}
"""


@pytest.fixture
def settings(database_url: str, receiver: Receiver, tmp_path: Path) -> Settings:
    (tmp_path / "chat").write_text(SECRET)
    return Settings(
        database_url=SecretStr(database_url),
        jwt_secret=TOKEN_SECRET,
        webhook_hosts=HostAllowlist.parse(receiver.origin),
        webhook_secrets_dir=tmp_path,
    )


async def test_a_change_through_the_api_is_delivered(
    api: Api, receiver: Receiver, database: Database
) -> None:
    await declare(database, receiver.url)
    created = await api.data(ANNA, CREATE)
    await receiver.wait_for(1)
    assert receiver.received[0].event["subject"] == created["createTicket"]["ticket"]["id"]
    async with api.client.get("/metrics") as answer:
        assert "interlock_webhook_attempts_total" in await answer.text()
