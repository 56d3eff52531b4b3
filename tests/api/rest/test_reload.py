"""`POST /api/v1/registry/reload`: a machine applies the mounted values file."""

from hashlib import sha256
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from pydantic import SecretStr

from api.auth.api_keys import ApiKeyEntry, Scope, generate_api_key
from api.settings import Settings
from engine.storage.postgres.database import Database
from engine.storage.resources.read import read_resources
from engine.storage.resources.reconciliations import reconciliation_session
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CreateTicket
from reconciler.document.parse import parse_plan
from tests.support.api_client import SECRET, Client, bearer
from tests.support.personas import ADA, ANNA
from tests.support.values_mount import CHANGED, INVALID, NARROWED, NOTHING, WIDENED, Mount

RELOAD = "/api/v1/registry/reload"
RELOADER, EXPORTER, ACKNOWLEDGER = generate_api_key(), generate_api_key(), generate_api_key()


@pytest.fixture
def settings(database_url: str, mount: Mount) -> Settings:
    return Settings(
        database_url=SecretStr(database_url), jwt_secret=SECRET, values_file=mount.file
    ).model_copy(
        update={
            "api_keys": (
                ApiKeyEntry.for_key(RELOADER, [Scope.RELOAD]),
                ApiKeyEntry.for_key(EXPORTER, [Scope.EXPORT]),
                ApiKeyEntry.for_key(ACKNOWLEDGER, [Scope.RELOAD, Scope.ACKNOWLEDGE]),
            )
        }
    )


async def reload(
    client: Client, key: str = RELOADER, query: str = ""
) -> tuple[int, dict[str, Any]]:
    """Return the status and the body of the response."""
    async with client.post(RELOAD + query, headers={"X-API-Key": key}) as response:
        return response.status, await response.json(content_type=None)


async def test_a_changed_file_is_applied_and_the_response_is_the_plan(
    client: Client, mount: Mount, database: Database
) -> None:
    mount.put(NARROWED)
    async with client.post(RELOAD, headers={"X-API-Key": RELOADER}) as response:
        assert (response.status, response.content_type) == (200, "application/json")
        plan = parse_plan(await response.text(), "the response")
    [change] = plan.changes
    assert change.key == CHANGED
    live = await read_resources(database)
    assert live.resources[CHANGED] == change.after
    last_change = live.last_changes[CHANGED]
    digest = sha256(NARROWED.encode()).hexdigest()
    key = sha256(RELOADER.encode()).hexdigest()[:8]
    assert (last_change.by, last_change.source) == (
        "system",
        f"{mount.file}@sha256:{digest} with API key {key}",
    )


async def test_an_applied_file_changes_nothing_and_is_not_recorded(
    client: Client, database: Database
) -> None:
    before = await read_resources(database)
    status, document = await reload(client)
    assert (status, document["changes"]) == (200, [])
    assert await read_resources(database) == before


async def test_a_plan_with_hazards_is_refused_with_all_of_them(
    client: Client, mount: Mount, database: Database
) -> None:
    ticket = CreateTicket(title="Payments fail", workflow="incident_response")
    await TicketStore(database).create(ANNA, ticket)
    before = await read_resources(database)
    mount.put(NOTHING)
    status, problem = await reload(client)
    assert (status, problem["code"]) == (403, "refused_by_guard")
    hazards = {hazard["code"]: hazard for hazard in problem["hazards"]}
    assert list(hazards) == ["strands_tickets", "declares_nothing", "retires_many"]
    assert hazards["strands_tickets"]["tickets"] == 1
    assert hazards["strands_tickets"]["remedy"] == "--max-stranded 1"
    assert await read_resources(database) == before


async def test_a_machine_cannot_widen_permissions(client: Client, mount: Mount) -> None:
    mount.put(WIDENED)
    status, problem = await reload(client)
    assert (status, [each["code"] for each in problem["hazards"]]) == (403, ["widens_rights"])


async def test_a_machine_with_the_scope_can_acknowledge_the_hazards(
    client: Client, mount: Mount, database: Database
) -> None:
    ticket = CreateTicket(title="Payments fail", workflow="incident_response")
    await TicketStore(database).create(ANNA, ticket)
    mount.put(NOTHING)
    before = await read_resources(database)
    switches = "allowEmpty=true&allowManyRetired=true"
    for query, words in (("maxStranded=0", "--max-stranded 1"), ("maxStranded=1", "--allow-empty")):
        status, problem = await reload(client, ACKNOWLEDGER, f"?{query}")
        assert (status, problem["code"]) == (403, "refused_by_guard")
        assert words in problem["detail"]
    assert await read_resources(database) == before
    status, plan = await reload(client, ACKNOWLEDGER, f"?maxStranded=1&{switches}")
    assert (status, plan["summary"]["retire"]) == (200, 5)


WRONG_QUERIES = {
    "a key without the scope": (RELOADER, "?allowWidening=true", 403, "scope acknowledge"),
    "an unknown parameter": (ACKNOWLEDGER, "?maxClose=1", 400, "Did you mean 'maxClosed'"),
    "a negative number": (ACKNOWLEDGER, "?maxClosed=-1", 400, "must be a number"),
    "a number for a switch": (ACKNOWLEDGER, "?allowEmpty=1", 400, "must be true or false"),
    "a repeated parameter": (ACKNOWLEDGER, "?maxClosed=1&maxClosed=2", 400, "is repeated"),
}


@pytest.mark.parametrize(
    ("key", "query", "expected", "words"), WRONG_QUERIES.values(), ids=WRONG_QUERIES
)
async def test_a_wrong_acknowledgement_is_refused(
    client: Client,
    mount: Mount,
    database: Database,
    key: str,
    query: str,
    expected: int,
    words: str,
) -> None:
    before = await read_resources(database)
    mount.put(WIDENED)
    status, problem = await reload(client, key, query)
    assert status == expected
    assert words in problem["detail"]
    assert await read_resources(database) == before


async def test_an_invalid_file_is_refused_with_every_finding(
    client: Client, mount: Mount, database: Database
) -> None:
    before = await read_resources(database)
    mount.put(INVALID)
    status, problem = await reload(client)
    assert (status, problem["code"]) == (400, "invalid_declaration")
    positions = [(each["file"], each["line"], each["column"]) for each in problem["findings"]]
    assert positions == [(str(mount.file), 2, 14), (str(mount.file), 3, 30)]
    for finding in problem["findings"]:
        assert finding["code"]
        assert finding["message"]
    assert await read_resources(database) == before


async def test_a_missing_file_is_an_error(client: Client, mount: Mount) -> None:
    mount.file.unlink()
    status, problem = await reload(client)
    assert (status, problem["code"]) == (400, "invalid_input")
    assert f"{mount.file}: can't be read" in problem["detail"]


async def test_the_error_names_the_holder_of_the_lock(
    client: Client, mount: Mount, database: Database
) -> None:
    mount.put(NARROWED)
    async with reconciliation_session(database, "u_a0", wait=True):
        status, problem = await reload(client)
    assert (status, problem["code"], problem["holder"]) == (409, "lock_held", "u_a0")
    assert (await reload(client))[0] == 200


async def test_only_an_api_key_with_the_reload_scope_can_reload(client: Client) -> None:
    assert (await reload(client, EXPORTER))[0] == 403
    async with client.post(RELOAD, headers=bearer(ADA)) as response:
        assert response.status == 401


async def test_every_outcome_is_counted(client: Client, mount: Mount) -> None:
    assert await read_metrics(client) == {"unchanged": 1, "current": 1}
    for text, is_current in {NARROWED: 1, NOTHING: 0, INVALID: 0}.items():
        mount.put(text)
        await reload(client)
        assert (await read_metrics(client))["current"] == is_current
    assert await read_metrics(client) == {
        "unchanged": 1,
        "applied": 1,
        "refused": 1,
        "invalid": 1,
        "current": 0,
    }


async def read_metrics(client: Client) -> dict[str, float]:
    """Return how often each outcome was counted, and whether the current file is applied."""
    async with client.get("/metrics") as response:
        families = text_string_to_metric_families(await response.text())
        samples = [sample for family in families for sample in family.samples]
    counts = {
        sample.labels["outcome"]: sample.value
        for sample in samples
        if sample.name == "interlock_reconciliations_total" and sample.value
    }
    [is_current] = [each.value for each in samples if each.name == "interlock_values_applied"]
    return counts | {"current": is_current}


class TestWithoutAValuesFile:
    @pytest.fixture
    def settings(self, settings: Settings) -> Settings:
        return settings.model_copy(update={"values_file": None})

    async def test_a_reload_is_not_found(self, client: Client) -> None:
        status, problem = await reload(client)
        assert (status, problem["code"]) == (404, "not_found")
        assert "INTERLOCK_VALUES_FILE" in problem["detail"]

    async def test_there_is_no_metric_of_it(self, client: Client) -> None:
        async with client.get("/metrics") as response:
            assert "interlock_values_applied" not in await response.text()
