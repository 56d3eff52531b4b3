"""Plans in GraphQL: only for admins, and without any effect."""

from collections.abc import AsyncIterator
from secrets import token_hex

import asyncpg
import pytest
from aiohttp.test_utils import TestClient, TestServer
from graphql import GraphQLEnumType, build_schema
from sqlalchemy.engine import make_url

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.graphql.interlock import schema_text
from api.settings import Settings
from engine.resources.resource import Kind
from engine.storage.postgres.database import open_database
from engine.storage.resources.read import read_resources
from engine.storage.tickets.store import TicketStore
from engine.tickets.commands import CreateTicket
from reconciler.diff import Action
from reconciler.document.parse import parse_plan
from reconciler.hazards import HazardCode
from reconciler.permissions_diff import Effect
from tests.support.api_client import Api, Client
from tests.support.databases import for_all_kinds
from tests.support.personas import ADA, ANNA, MARTON

PLAN = """
query ($values: String!) {
  reconcilePlan(values: $values) {
    isEmpty
    summary { create update retire revive }
    hazards { code message tickets remedy }
    changes {
      kind name action at { line column }
      transitions { from to before after effect }
      impact {
        stranded { ...affected } stuck { ...affected } gaining { ...affected }
        losing { ...affected } items
      }
    }
    text markdown document
  }
}
fragment affected on AffectedTickets { tickets byStatus { status tickets } examples }
"""
VALUES = """\
ticketing:
  defaultWorkflows: [service_request, change_request, problem_investigation, access_request]
  workflows:
    - name: service_request
      displayName: Service Request
      transitions:
        - {from: OPEN, to: IN_PROGRESS, role: requester}
        - {from: IN_PROGRESS, to: RESOLVED, role: assignee}
  catalog:
    categories:
      - {name: it, displayName: IT}
"""
NO_TICKETS = {"tickets": 0, "byStatus": [], "examples": []}


async def test_an_admin_can_see_the_changes_and_their_impact(
    api: Api, engine: EngineHandle
) -> None:
    incident = CreateTicket(title="Payments fail", workflow="incident_response")
    ticket = await TicketStore(engine.database).create(ANNA, incident)
    plan = (await api.data(ADA, PLAN, values=VALUES))["reconcilePlan"]
    assert plan["isEmpty"] is False
    assert plan["summary"] == {"create": 1, "update": 1, "retire": 1, "revive": 0}
    assert [hazard["code"] for hazard in plan["hazards"]] == ["strands_tickets", "widens_rights"]
    assert plan["hazards"][0]["tickets"] == 1
    assert plan["hazards"][0]["remedy"] == "--max-stranded 1"
    changes = {change["name"]: change for change in plan["changes"]}
    retired, narrowed, created = (
        changes[name] for name in ("incident_response", "service_request", "it")
    )
    assert (retired["kind"], retired["action"], retired["at"]) == ("WORKFLOW", "RETIRE", None)
    stranded = {
        "tickets": 1,
        "byStatus": [{"status": "OPEN", "tickets": 1}],
        "examples": [ticket.id],
    }
    nothing_else = {"stuck": NO_TICKETS, "gaining": NO_TICKETS, "losing": NO_TICKETS, "items": []}
    assert retired["impact"] == {"stranded": stranded} | nothing_else
    assert (narrowed["action"], narrowed["at"]) == ("UPDATE", {"line": 4, "column": 7})
    assert narrowed["transitions"] == [
        {"from": "OPEN", "to": "IN_PROGRESS"}
        | {"before": "ASSIGNEE", "after": "REQUESTER", "effect": "SWAPPED"},
        {"from": "RESOLVED", "to": "IN_PROGRESS"}
        | {"before": "ANY", "after": None, "effect": "REMOVED"},
        {"from": "RESOLVED", "to": "CLOSED"}
        | {"before": "ANY", "after": None, "effect": "REMOVED"},
    ]
    assert (created["kind"], created["action"], created["transitions"]) == (
        "CATEGORY",
        "CREATE",
        [],
    )


async def test_a_plan_has_a_text_a_markdown_and_a_json_form(api: Api, engine: EngineHandle) -> None:
    shown = (await api.data(ADA, PLAN, values=VALUES))["reconcilePlan"]
    plan = parse_plan(shown["document"], "the response")
    live = await read_resources(engine.database)
    assert {each.key: each.before for each in plan.changes} == {
        each.key: live.resources.get(each.key) for each in plan.changes
    }
    for form in ("text", "markdown"):
        assert "incident_response" in shown[form]


async def test_an_unchanged_declaration_is_an_empty_plan(api: Api) -> None:
    plan = (await api.data(ADA, PLAN, values="ticketing: {}"))["reconcilePlan"]
    assert (plan["isEmpty"], plan["changes"], plan["hazards"]) == (True, [], [])


async def test_only_admins_can_see_a_plan(api: Api) -> None:
    for actor in (ANNA, MARTON):
        refused = await api.refusal(actor, PLAN, values=VALUES)
        assert (refused["code"], refused["status"]) == ("forbidden", 403)
        assert refused["reason"] == "admin_required"


async def test_an_invalid_declaration_is_refused_with_every_finding(api: Api) -> None:
    wrong = "ticketing:\n  workflows: 7\n  autoClose: {afterResolved: soon}\n"
    refused = await api.refusal(ADA, PLAN, values=wrong)
    assert (refused["code"], refused["status"]) == ("invalid_declaration", 400)
    places = [(each["file"], each["line"], each["column"]) for each in refused["findings"]]
    assert places == [("values", 2, 14), ("values", 3, 30)]
    assert all(each["code"] and each["message"] for each in refused["findings"])


def test_the_schema_has_all_values_of_the_enums_of_a_plan() -> None:
    schema = build_schema(schema_text())
    words = {
        "ResourceKind": {kind.name for kind in Kind},
        "PlanAction": {action.name for action in Action},
        "TransitionEffect": {effect.name for effect in Effect},
        "HazardCode": {code.value for code in HazardCode},
    }
    for name, expected in words.items():
        declared = schema.type_map[name]
        assert isinstance(declared, GraphQLEnumType)
        assert set(declared.values) == expected


class TestWithReadOnlyDatabaseRole:
    """PostgreSQL refuses every write but of users, expired idempotency keys and servers."""

    @pytest.fixture
    async def reader(self, owner: asyncpg.Connection) -> AsyncIterator[str]:
        """Return a role that can read all tables, write users and delete idempotency keys."""
        role = f"reader_{token_hex(6)}"
        await owner.execute(f"CREATE ROLE {role}")
        await owner.execute(f"GRANT SELECT ON ALL TABLES IN SCHEMA public TO {role}")
        await owner.execute(f"GRANT INSERT, UPDATE ON users, user_names, token_groups TO {role}")
        await owner.execute(f"GRANT UPDATE, DELETE ON idempotency_keys TO {role}")
        await owner.execute(f"GRANT INSERT, UPDATE, DELETE ON servers TO {role}")
        yield role
        await owner.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")

    @pytest.fixture
    async def client(
        self, owner_url: str, settings: Settings, reader: str
    ) -> AsyncIterator[Client]:
        url = make_url(owner_url).update_query_dict({"role": reader})
        address = url.render_as_string(hide_password=False)
        async with (
            open_database(address) as database,
            open_application_on(
                EngineHandle(address, for_all_kinds(database)), settings
            ) as application,
            TestClient(TestServer(application)) as opened,
        ):
            yield opened

    async def test_a_plan_can_be_made(self, api: Api) -> None:
        plan = (await api.data(ADA, PLAN, values=VALUES))["reconcilePlan"]
        assert len(plan["changes"]) == 3

    async def test_a_ticket_cannot_be_created(self, api: Api) -> None:
        create = """
        mutation { createTicket(title: "T", workflow: "incident_response") { ticket { id } } }
        """
        assert (await api.refusal(ADA, create))["code"] == "internal"
