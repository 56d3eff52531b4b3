"""Maintenance windows over REST, and how users read them in GraphQL."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from pydantic import SecretStr

from api.auth.api_keys import ApiKeyEntry, Scope, generate_api_key
from api.settings import Settings
from engine.storage.postgres.database import Database
from tests.support.api_client import SECRET, Api, Client
from tests.support.monitored_services import PATH, declare_service
from tests.support.personas import ANNA

WINDOWS = """
query ($state: [WindowState!]) {
  maintenanceWindows(state: $state) {
    id state groups services text declared start end cancelledAt
  }
}
"""
KEY = generate_api_key()
Json = dict[str, Any]


@pytest.fixture
def settings(database_url: str) -> Settings:
    keys = (ApiKeyEntry.for_key(KEY, [Scope.MAINTENANCE]),)
    return Settings(database_url=SecretStr(database_url), jwt_secret=SECRET).model_copy(
        update={"api_keys": keys}
    )


def body(hours: int = 1, **more: object) -> Json:
    now = datetime.now(UTC)
    window = {
        "start": now.isoformat(),
        "end": (now + timedelta(hours=hours)).isoformat(),
        "services": [PATH],
        "text": "We upgrade a database.",
    }
    return window | more


async def post(client: Client, path: str, json: object, **headers: str) -> tuple[int, Json]:
    sent = {"X-API-Key": KEY, "Idempotency-Key": "k"} | headers
    async with client.post(f"/api/v1/maintenance{path}", json=json, headers=sent) as response:
        return response.status, await response.json()


async def test_a_window_is_scheduled_listed_and_cancelled(
    client: Client, api: Api, database: Database
) -> None:
    await declare_service(database)
    code, scheduled = await post(client, "", body())
    assert (code, scheduled["state"], scheduled["services"]) == (201, "ACTIVE", [PATH])
    shown = (await api.data(ANNA, WINDOWS, state=["ACTIVE"]))["maintenanceWindows"]
    assert shown == [scheduled]
    code, cancelled = await post(client, f"/{scheduled['id']}/cancel", None)
    assert (code, cancelled["state"]) == (200, "PAST")
    async with client.get("/api/v1/maintenance", headers={"X-API-Key": KEY}) as response:
        assert (await response.json())["windows"] == [cancelled]
    assert (await api.data(ANNA, WINDOWS, state=["ACTIVE"]))["maintenanceWindows"] == []


async def test_the_same_key_schedules_one_window(client: Client, database: Database) -> None:
    await declare_service(database)
    sent = body()
    first, second = await post(client, "", sent), await post(client, "", sent)
    assert first == second
    code, problem = await post(client, "", body(hours=2))
    assert (code, problem["code"]) == (422, "idempotency_conflict")


@pytest.mark.parametrize(
    ("json", "code", "message"),
    [
        (body(services=["acme/unknown"]), 400, "No declared service is named 'acme/unknown'"),
        (body(services=[]), 400, "must name at least one group or service"),
        (body(hours=-1), 400, "must end after it starts"),
        (body(text=""), 400, "text: must not be empty"),
        (body(more=1), 400, "is not a known field"),
    ],
)
async def test_an_invalid_window_is_refused(
    client: Client, database: Database, json: Json, code: int, message: str
) -> None:
    await declare_service(database)
    found, problem = await post(client, "", json)
    assert found == code
    assert message in problem["detail"]


async def test_an_unknown_window_cannot_be_cancelled(client: Client) -> None:
    assert (await post(client, "/mw_0/cancel", None))[0] == 404
