"""Monitoring systems report over REST; users see the effect in GraphQL."""

from collections.abc import Callable
from hashlib import sha256
from typing import Any

import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from api.auth.api_keys import ApiKeyEntry, Scope, generate_api_key
from api.graphql.interlock import schema_text
from api.limits_setting import read_limits
from api.runtime.maintenance import maintenance_tasks
from api.runtime.plugins import PluginCache
from api.runtime.ticket_metrics import TicketMetrics
from api.settings import Settings
from engine.plugins import OPEN_EDITION, Licence
from engine.storage.postgres.database import Database
from engine.tickets.system_actor import SystemReason
from engine.vocabulary import ServiceStatus
from tests.support.api_client import SECRET, Api, Client, bearer
from tests.support.background_work import SESSION_LIFETIME
from tests.support.databases import for_all_kinds
from tests.support.lock_gates import open_observer
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
        update={"api_keys": keys, "limits": read_limits("lock_wait_seconds=1")}
    )


async def post(client: Client, path: str, body: object, key: str = MONITOR) -> tuple[int, Json]:
    """Return the status and the body of the response."""
    async with client.post(path, json=body, headers={"X-API-Key": key}) as response:
        return response.status, await response.json(content_type=None)


async def report(client: Client, status: str, **more: object) -> Json:
    code, response = await post(client, REPORT, {"path": PATH, "status": status} | more)
    assert code == 200, response
    return response


class TestReports:
    async def test_an_outage_opens_a_ticket_and_its_end_closes_it(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        down = await report(client, "DOWN", message="No response for 30 s")
        [ticket] = await outage_tickets(database)
        timestamps = {"since", "reportedAt"}
        assert {key: value for key, value in down.items() if key not in timestamps} == {
            "service": PATH,
            "status": "DOWN",
            "message": "No response for 30 s",
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

    async def test_the_history_names_the_api_key(self, client: Client, database: Database) -> None:
        await declare_service(database)
        ticket = (await report(client, "DOWN"))["ticket"]
        await report(client, "OPERATIONAL")
        query = "query ($id: ID!) { ticket(id: $id) { history { kind actor apiKey } } }"
        name = sha256(MONITOR.encode()).hexdigest()[:8]
        entries = (await Api(client).data(ANNA, query, id=ticket))["ticket"]["history"]
        assert entries == [
            {"kind": kind, "actor": "system", "apiKey": name} for kind in ("CREATED", "STATUS")
        ]

    async def test_a_response_has_the_reason_to_wait(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database, holdDown="2m")
        waiting = await report(client, "DOWN")
        assert (waiting["outcome"], waiting["ticket"], waiting["reason"]) == (
            "waiting",
            None,
            "hold_down",
        )
        assert "holdDown" in waiting["detail"]

    async def test_a_reason_that_an_operator_must_fix_is_logged(
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
        unknown = {"path": f"{PATH}s", "status": "DOWN"}
        code, problem = await post(client, REPORT, unknown)
        assert (code, problem["code"], problem["service"]) == (404, "not_found", f"{PATH}s")
        assert f"Did you mean '{PATH}'?" in problem["detail"]

    @pytest.mark.parametrize(
        ("body", "message"),
        [
            ([], "must be a JSON object"),
            ({"path": PATH}, "$.status"),
            ({"path": PATH, "status": "BROKEN"}, "'OPERATIONAL', 'DEGRADED', 'DOWN'"),
            ({"path": PATH, "status": "DOWN", "messages": "x"}, "messages"),
        ],
    )
    async def test_an_invalid_report_is_refused(
        self, client: Client, body: object, message: str
    ) -> None:
        code, problem = await post(client, REPORT, body)
        assert (code, problem["code"]) == (400, "invalid_input")
        assert message in problem["detail"]

    @pytest.mark.parametrize("path", [REPORT, ALERTS])
    async def test_only_an_api_key_with_the_health_scope_can_report(
        self, client: Client, path: str
    ) -> None:
        assert (await post(client, path, {}, EXPORTER))[0] == 403
        async with client.post(path, json={}, headers=bearer(ADA)) as response:
            assert response.status == 401


def alert(status: str = "firing", fingerprint: str = "1a30ba71cca2921f", **labels: str) -> Json:
    return {
        "status": status,
        "labels": {"alertname": "ProbeFailure", "service": PATH} | labels,
        "annotations": {"summary": "No response\0 for 30 s"},
        "startsAt": "2026-04-28T12:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "generatorURL": "",
        "fingerprint": fingerprint,
    }


def webhook(*alerts: object) -> Json:
    return {"version": "4", "groupKey": "{}", "truncatedAlerts": 0, "alerts": alerts}


class TestAlertmanager:
    async def test_a_service_is_down_while_any_alert_of_it_fires(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        code, response = await post(client, ALERTS, webhook(alert(), alert(fingerprint="2b")))
        [service] = response["services"]
        assert (code, service["outcome"], response["refused"]) == (200, "opened", [])
        assert (service["status"], service["message"]) == ("DOWN", "No response  for 30 s")
        _, response = await post(client, ALERTS, webhook(alert("resolved")))
        assert response["services"][0]["outcome"] == "unchanged"
        _, response = await post(client, ALERTS, webhook(alert("resolved", "2b")))
        assert response["services"][0]["outcome"] == "closed"

    async def test_a_report_with_the_source_of_an_alert_resolves_it(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        await post(client, ALERTS, webhook(alert()))
        assert (await report(client, "OPERATIONAL"))["status"] == "DOWN"
        source = "alertmanager/1a30ba71cca2921f"
        assert (await report(client, "OPERATIONAL", source=source))["outcome"] == "closed"

    async def test_a_query_parameter_names_the_label_of_the_service(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        body = webhook(alert(service="other", app=PATH))
        code, response = await post(client, f"{ALERTS}?label=app", body)
        assert (code, response["services"][0]["service"]) == (200, PATH)

    async def test_valid_alerts_are_recorded_and_the_others_are_reported(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        unlabelled = alert(fingerprint="2b")
        del unlabelled["labels"]["service"]
        unknown = alert(fingerprint="1a", service="acme/unknown")
        unnamed = alert(fingerprint="3c", service="")
        body = webhook(unknown, {}, unlabelled, alert(), unnamed, alert() | {"labels": {"n": 1}}, 7)
        code, problem = await post(client, ALERTS, body)
        assert (code, problem["code"]) == (404, "not_found")
        assert "6 of 7 alerts were refused: There is no service 'acme/unknown'" in problem["detail"]
        assert [each["outcome"] for each in problem["services"]] == ["opened"]
        assert [[*each.values()][:4] for each in problem["refused"]] == [
            [0, "alertmanager/1a", "acme/unknown", "unknown_service"],
            [1, None, None, "malformed_alert"],
            [2, "alertmanager/2b", None, "label_missing"],
            [4, "alertmanager/3c", "", "invalid_path"],
            [5, None, None, "malformed_alert"],
            [6, None, None, "malformed_alert"],
        ]
        details = [each["detail"] for each in problem["refused"]]
        assert "$.alerts[1].status: is missing; $.alerts[1].labels: is missing" in details[1]
        assert "no label service" in details[2]
        assert details[4:] == [
            "$.alerts[5].labels.n: must be text.",
            "$.alerts[6]: must be an object.",
        ]
        assert len(await outage_tickets(database)) == 1

    async def test_a_malformed_first_alert_makes_the_request_invalid(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        code, problem = await post(client, ALERTS, webhook({}, alert()))
        assert (code, problem["code"]) == (400, "invalid_input")
        assert problem["services"][0]["outcome"] == "opened"

    async def test_missing_alerts_are_counted_logged_and_answered(
        self, client: Client, database: Database
    ) -> None:
        await declare_service(database)
        with capture_logs() as logged:
            complete = await post(client, ALERTS, webhook(alert()))
            truncated = await post(client, ALERTS, webhook(alert()) | {"truncatedAlerts": 7})
            many = webhook(alert(), *[{}] * 150) | {"truncatedAlerts": 2}
            code, problem = await post(client, ALERTS, many)
        assert (complete[0], complete[1]["truncatedAlerts"]) == (200, 0)
        assert (truncated[0], truncated[1]["truncatedAlerts"]) == (200, 7)
        assert (code, problem["truncatedAlerts"], len(problem["refused"])) == (400, 2, 100)
        assert "150 of 151 alerts were refused" in problem["detail"]
        warnings = [each for each in logged if each["log_level"] == "warning"]
        assert [(each["event"], each["alerts"]) for each in warnings] == [
            ("alerts truncated", 7),
            ("alerts refused", 150),
            ("alerts truncated", 2),
        ]
        async with client.get("/metrics") as response:
            metrics = await response.text()
        assert "interlock_alerts_truncated_total 9.0" in metrics
        assert 'interlock_alerts_refused_total{reason="malformed_alert"} 150.0' in metrics

    async def test_a_locked_service_does_not_affect_the_others(
        self, client: Client, database: Database, database_url: str
    ) -> None:
        await declare_service(database)
        await declare_service(database, "acme/cart")
        await report(client, "OPERATIONAL", path="acme/cart")
        body = webhook(alert(service="acme/cart"), alert())
        lock = "SELECT FROM service_health WHERE service = 'acme/cart' FOR UPDATE"
        async with open_observer(database_url) as observer, observer.holding(lock):
            code, problem = await post(client, ALERTS, body)
        assert (code, problem["code"]) == (503, "overloaded")
        assert len(await outage_tickets(database)) == 1
        code, response = await post(client, ALERTS, body)
        assert (code, [each["outcome"] for each in response["services"]]) == (
            200,
            ["opened", "unchanged"],
        )

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda body: body | {"version": "3"}, "version"),
            (lambda body: body | {"alerts": {}}, "$.alerts: must be a list"),
            (lambda body: body | {"truncatedAlerts": -1}, "$.truncatedAlerts: must be at least 0"),
            (lambda body: body | {"truncatedAlerts": "1"}, "$.truncatedAlerts: must be a whole"),
            (lambda _: [], "must be a JSON object"),
        ],
    )
    async def test_an_invalid_webhook_is_refused(
        self, client: Client, change: Callable[[Json], object], message: str
    ) -> None:
        code, problem = await post(client, ALERTS, change(webhook(alert())))
        assert (code, problem["code"]) == (400, "invalid_input")
        assert message in problem["detail"]


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
  ticket(id: $id) { requester { id } history { actor kind reason } }
}
"""


class TestServices:
    async def test_users_see_the_status_of_services(
        self, client: Client, api: Api, database: Database
    ) -> None:
        await declare_service(database, "acme/cart", autoTicket=False)
        await declare_service(database)
        down = await report(client, "DOWN", message="No response")
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
        assert (payment["since"], payment["message"]) == (down["since"], "No response")

    async def test_services_are_filtered_by_status_and_paged_by_path(
        self, api: Api, database: Database
    ) -> None:
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

    async def test_the_history_has_the_reasons_of_the_system(
        self, client: Client, api: Api, database: Database
    ) -> None:
        await declare_service(database)
        ticket = (await report(client, "DOWN"))["ticket"]
        await report(client, "OPERATIONAL")
        shown = (await api.data(ANNA, HISTORY, id=ticket))["ticket"]
        assert shown["requester"] is None
        assert shown["history"] == [
            {"actor": "system", "kind": "CREATED", "reason": None},
            {"actor": "system", "kind": "STATUS", "reason": "service_recovered"},
        ]

    async def test_an_assignee_gets_a_comment(
        self, client: Client, api: Api, database: Database
    ) -> None:
        await declare_service(database)
        ticket = (await report(client, "DOWN"))["ticket"]
        await api.data(MARTON, TAKE, id=ticket, me=MARTON.id)
        assert (await report(client, "OPERATIONAL"))["outcome"] == "commented"


def test_the_schema_has_the_enum_values_of_the_engine() -> None:
    text = schema_text()
    for kind in (ServiceStatus, SystemReason):
        body = text.partition(f"enum {kind.__name__} {{")[2].partition("}")[0]
        assert [
            line.strip() for line in body.splitlines() if line.strip()[:1] not in {"", '"'}
        ] == [each.value for each in kind]


async def run_maintenance(database: Database, licence: Licence) -> None:
    plugins = await PluginCache.read(for_all_kinds(database), licence)
    for task in maintenance_tasks(database, plugins, SESSION_LIFETIME, TicketMetrics(database)):
        if task.is_due():
            await task.run()


class TestMaintenance:
    async def test_a_waiting_outage_is_handled_when_ticketing_is_on(
        self, database: Database
    ) -> None:
        await declare_service(database)
        await record(database, "DOWN")
        unlicensed = Licence("a licence", frozenset())
        for licence, tickets in ((unlicensed, 0), (OPEN_EDITION, 1)):
            await run_maintenance(database, licence)
            assert len(await outage_tickets(database)) == tickets
