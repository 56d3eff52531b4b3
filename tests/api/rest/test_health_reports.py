"""Monitoring reports over HTTP, and people see in GraphQL what became of it."""

from collections.abc import Callable
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.auth.api_keys import ApiKeyEntry, Scope, generate_api_key
from api.graphql.interlock import schema_text
from api.runtime.maintenance import maintenance_jobs
from api.runtime.plugins import PluginCache
from api.settings import Settings
from engine.plugins import OPEN_EDITION, Licence
from engine.storage.postgres.database import Database
from engine.tickets.system_actor import SystemReason
from engine.vocabulary import ServiceStatus
from tests.support.api_client import SECRET, Api, Client, bearer
from tests.support.monitored_services import PATH, declare_service, outage_tickets, record
from tests.support.personas import ADA, ANNA, MARTON

REPORT = "/api/v1/health/report"
ALERTS = "/api/v1/alerts/alertmanager"
MONITOR, EXPORTER = generate_api_key(), generate_api_key()

Json = dict[str, Any]


@pytest.fixture
def settings(database_url: str) -> Settings:
    keys = (
        ApiKeyEntry.for_key(MONITOR, [Scope.HEALTH]),
        ApiKeyEntry.for_key(EXPORTER, [Scope.EXPORT]),
    )
    return Settings(database_url=SecretStr(database_url), jwt_secret=SECRET).model_copy(
        update={"api_keys": keys}
    )


async def post(client: Client, path: str, body: object, key: str = MONITOR) -> tuple[int, Json]:
    """Return the status and the document of an answer."""
    async with client.post(path, json=body, headers={"X-API-Key": key}) as answer:
        return answer.status, await answer.json(content_type=None)


async def report(client: Client, status: str, **more: object) -> Json:
    code, answer = await post(client, REPORT, {"path": PATH, "status": status} | more)
    assert code == 200, answer
    return answer


class TestReports:
    async def test_an_outage_and_its_end(self, client: Client, database: Database) -> None:
        await declare_service(database)
        down = await report(client, "DOWN", message="No answer for 30 s")
        [ticket] = await outage_tickets(database)
        moments = {"since", "reportedAt"}
        assert {key: value for key, value in down.items() if key not in moments} == {
            "service": PATH,
            "status": "DOWN",
            "message": "No answer for 30 s",
            "outcome": "opened",
            "ticket": ticket.id,
            "reason": None,
            "detail": None,
        }
        again = await report(client, "DOWN")
        assert (again["outcome"], again["ticket"], again["since"]) == (
            "unchanged",
            ticket.id,
            down["since"],
        )
        up = await report(client, "OPERATIONAL")
        assert (up["outcome"], up["ticket"]) == ("closed", ticket.id)
        assert list(down) == list(again) == list(up)

    async def test_what_it_waits_for_is_told(self, client: Client, database: Database) -> None:
        await declare_service(database, holdDown="2m")
        held = await report(client, "DOWN")
        assert (held["outcome"], held["ticket"], held["reason"]) == ("waiting", None, "hold_down")
        assert "holdDown" in held["detail"]

    async def test_what_somebody_has_to_put_right_is_logged_too(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database, workflow="never_declared")
        with capture_logs() as logged:
            assert (await report(client, "DOWN"))["reason"] == "workflow_unknown"
        [warning] = [each for each in logged if each["log_level"] == "warning"]
        assert (warning["service"], warning["reason"]) == (PATH, "workflow_unknown")

    async def test_an_unknown_service_is_not_found(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        wrong = {"path": f"{PATH}s", "status": "DOWN"}
        code, problem = await post(client, REPORT, wrong)
        assert (code, problem["code"], problem["service"]) == (404, "not_found", f"{PATH}s")
        assert f"Did you mean '{PATH}'?" in problem["detail"]

    @pytest.mark.parametrize(
        ("body", "words"),
        [
            ([], "must be a JSON object"),
            ({"path": PATH}, "$.status"),
            ({"path": PATH, "status": "BROKEN"}, "'OPERATIONAL', 'DEGRADED', 'DOWN'"),
            ({"path": PATH, "status": "DOWN", "messages": "x"}, "messages"),
        ],
    )
    async def test_what_is_no_report_is_refused(
        self, client: Client, body: object, words: str
    ) -> None:
        code, problem = await post(client, REPORT, body)
        assert (code, problem["code"]) == (400, "invalid_input")
        assert words in problem["detail"]

    @pytest.mark.parametrize("path", [REPORT, ALERTS])
    async def test_only_a_key_for_health_opens_it(self, client: Client, path: str) -> None:
        assert (await post(client, path, {}, EXPORTER))[0] == 403
        async with client.post(path, json={}, headers=bearer(ADA)) as answer:
            assert answer.status == 401


def alert(status: str = "firing", fingerprint: str = "1a30ba71cca2921f", **labels: str) -> Json:
    return {
        "status": status,
        "labels": {"alertname": "ProbeFailure", "service": PATH} | labels,
        "annotations": {"summary": "No answer\0 for 30 s"},
        "startsAt": "2026-04-28T12:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": fingerprint,
    }


def webhook(*alerts: Json) -> Json:
    return {"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "alerts": alerts}


class TestAlertmanager:
    async def test_a_service_is_down_while_any_alert_of_it_fires(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        code, answer = await post(client, ALERTS, webhook(alert(), alert(fingerprint="2b")))
        [service] = answer["services"]
        assert (code, service["outcome"], answer["refused"]) == (200, "opened", [])
        assert (service["status"], service["message"]) == ("DOWN", "No answer  for 30 s")
        _, answer = await post(client, ALERTS, webhook(alert("resolved")))
        assert answer["services"][0]["outcome"] == "unchanged"
        _, answer = await post(client, ALERTS, webhook(alert("resolved", "2b")))
        assert answer["services"][0]["outcome"] == "closed"

    async def test_an_alert_that_got_stuck_is_taken_back_by_name(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        await post(client, ALERTS, webhook(alert()))
        assert (await report(client, "OPERATIONAL"))["status"] == "DOWN"
        source = "alertmanager/1a30ba71cca2921f"
        assert (await report(client, "OPERATIONAL", source=source))["outcome"] == "closed"

    async def test_the_address_names_another_label(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        body = webhook(alert(service="other", app=PATH))
        code, answer = await post(client, f"{ALERTS}?label=app", body)
        assert (code, answer["services"][0]["service"]) == (200, PATH)

    async def test_what_can_be_recorded_is_and_the_rest_is_told(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        unlabelled = alert(fingerprint="2b")
        del unlabelled["labels"]["service"]
        body = webhook(alert(fingerprint="1a", service="acme/unknown"), unlabelled, alert())
        code, problem = await post(client, ALERTS, body)
        assert (code, problem["code"]) == (400, "invalid_input")
        assert [each["source"] for each in problem["refused"]] == [
            "alertmanager/2b",
            "alertmanager/1a",
        ]
        assert [each["service"] for each in problem["refused"]] == [None, "acme/unknown"]
        assert [each["outcome"] for each in problem["services"]] == ["opened"]
        code, problem = await post(client, ALERTS, webhook(alert(service="acme/unknown")))
        assert (code, problem["code"]) == (404, "not_found")

    @pytest.mark.parametrize(
        ("change", "words"),
        [
            (lambda body: body | {"version": "3"}, "version"),
            (lambda body: body | {"alerts": [{}]}, "$.alerts[0].fingerprint"),
            (lambda body: body | {"alerts": [1]}, "$.alerts[0]: must be an object"),
            (lambda body: body | {"alerts": [{}] * 9}, "; and 7 more"),
            (lambda _: [], "must be a JSON object"),
        ],
    )
    async def test_what_is_not_its_webhook_is_refused(
        self, client: Client, change: Callable[[Json], object], words: str
    ) -> None:
        code, problem = await post(client, ALERTS, change(webhook(alert())))
        assert (code, problem["code"]) == (400, "invalid_input")
        assert words in problem["detail"]


SERVICES = """
query ($first: Int! = 100, $after: ID, $status: [ServiceStatus!]) {
  services(first: $first, after: $after, status: $status) {
    path status since reportedAt message slaGroup autoTicket workflow ticket { id status service }
  }
}
"""
TAKE = """
mutation ($id: ID!, $me: ID) { assignTicket(id: $id, assignee: $me) { ticket { id } } }
"""
HISTORY = """
query ($id: ID!) {
  ticket(id: $id) { requester { id } history { nodes { actor kind reason } } }
}
"""


class TestServices:
    async def test_people_see_how_services_are_doing(
        self, client: Client, api: Api, database: Database
    ) -> None:
        await declare_service(database, "acme/cart", autoTicket=False)
        await declare_service(database)
        down = await report(client, "DOWN", message="No answer")
        [cart, payment] = (await api.data(ANNA, SERVICES))["services"]
        assert cart == {
            "path": "acme/cart",
            "status": "UNKNOWN",
            "since": None,
            "reportedAt": None,
            "message": "",
            "slaGroup": "payment-team",
            "autoTicket": False,
            "workflow": "incident_response",
            "ticket": None,
        }
        assert payment["ticket"] == {"id": down["ticket"], "status": "OPEN", "service": PATH}
        assert (payment["since"], payment["message"]) == (down["since"], "No answer")

    async def test_they_are_chosen_by_status_and_path(self, api: Api, database: Database) -> None:
        for path in ("a", "b", "c"):
            await declare_service(database, path)
        await record(database, "DEGRADED", "b")
        await record(database, "DOWN", "c")

        async def paths(**arguments: object) -> list[str]:
            found = (await api.data(ANNA, SERVICES, **arguments))["services"]
            return [each["path"] for each in found]

        assert await paths(first=2) == ["a", "b"]
        assert await paths(first=2, after="b") == ["c"]
        assert await paths(status=["UNKNOWN", "DOWN"]) == ["a", "c"]
        refused = await api.refusal(ANNA, "{ services(first: 501) { path } }")
        assert refused["limit"] == "page_services"

    async def test_the_history_tells_why_the_system_acted(
        self, client: Client, api: Api, database: Database
    ) -> None:
        await declare_service(database)
        ticket = (await report(client, "DOWN"))["ticket"]
        await report(client, "OPERATIONAL")
        shown = (await api.data(ANNA, HISTORY, id=ticket))["ticket"]
        assert shown["requester"] is None
        assert shown["history"]["nodes"] == [
            {"actor": "system", "kind": "CREATED", "reason": None},
            {"actor": "system", "kind": "STATUS", "reason": "service_recovered"},
        ]

    async def test_an_assignee_is_told_by_a_comment(
        self, client: Client, api: Api, database: Database
    ) -> None:
        await declare_service(database)
        ticket = (await report(client, "DOWN"))["ticket"]
        await api.data(MARTON, TAKE, id=ticket, me=MARTON.id)
        assert (await report(client, "OPERATIONAL"))["outcome"] == "commented"


def test_the_schema_has_the_words_of_the_engine() -> None:
    text = schema_text()
    for kind in (ServiceStatus, SystemReason):
        body = text.partition(f"enum {kind.__name__} {{")[2].partition("}")[0]
        assert [
            line.strip() for line in body.splitlines() if line.strip()[:1] not in {"", '"'}
        ] == [each.value for each in kind]


async def do_chores(database: Database, licence: Licence) -> None:
    for job in maintenance_jobs(database, await PluginCache.read(database, licence)):
        await job.run()


class TestLookingAfter:
    async def test_what_waited_is_acted_on_while_ticketing_is_on(self, database: Database) -> None:
        await declare_service(database)
        await record(database, "DOWN")
        unlicensed = Licence("a licence", frozenset())
        for licence, tickets in ((unlicensed, 0), (OPEN_EDITION, 1)):
            await do_chores(database, licence)
            assert len(await outage_tickets(database)) == tickets

    async def test_what_fails_is_logged_and_ends_nothing(self, database: Database) -> None:
        async with database.pool.acquire() as connection:
            await connection.execute("ALTER TABLE service_health RENAME TO away")
        with capture_logs() as logged:
            await do_chores(database, OPEN_EDITION)
        assert [each["log_level"] for each in logged] == ["error"]
