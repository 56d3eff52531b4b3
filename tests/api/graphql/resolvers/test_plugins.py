"""Ticketing is switched off by an admin, by values or by the licence, and keeps its data."""

import time
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime, timedelta
from typing import Final

import pytest
from aiohttp.test_utils import TestClient, TestServer
from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLField,
    GraphQLInputType,
    GraphQLList,
    GraphQLNonNull,
    GraphQLSchema,
    build_schema,
    get_named_type,
    is_leaf_type,
    is_required_argument,
)
from pydantic import SecretStr

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.graphql.interlock import schema_text
from api.licence import LicenceKey
from api.settings import Settings
from engine.declaration.models import Ticketing
from engine.plugins import OffReason, Plugin
from engine.resources.resource import declared_resources
from engine.storage.postgres.database import Database
from tests.support.api_client import Api, Client
from tests.support.declared_resources import put_resources
from tests.support.personas import ADA, ANNA, MARTON

TOGGLE = """
mutation ($name: String! = "ticketing", $enabled: Boolean!) {
  togglePlugin(name: $name, enabled: $enabled) { plugin { name enabled licensed reason } }
}
"""
PLUGINS = "{ plugins { name enabled licensed reason message } }"
CREATE = """
mutation { createTicket(title: "T", workflow: "incident_response") { ticket { id } } }
"""
TICKETS = "{ tickets { nodes { id } } }"
ON = {"name": "ticketing", "enabled": True, "licensed": True, "reason": None}
OFF = {"name": "ticketing", "enabled": False, "licensed": True, "reason": "switched_off"}
ANSWERED_WHILE_OFF = {
    "Query.plugins",
    "Query.viewer",
    "Query.reconcilePlan",
    "Query.webhooks",
    "Query.webhook",
    "Mutation.togglePlugin",
    "Mutation.retryWebhook",
}

SCHEMA: Final[GraphQLSchema] = build_schema(schema_text())


def literal(kind: GraphQLInputType) -> str:
    """Return any value of a type, as GraphQL writes it."""
    if isinstance(kind, GraphQLNonNull):
        return literal(kind.of_type)
    if isinstance(kind, GraphQLList):
        return f"[{literal(kind.of_type)}]"
    if isinstance(kind, GraphQLEnumType):
        return str(next(iter(kind.values)))
    return {"Int": "1", "Boolean": "true"}.get(str(kind), '"x"')


def selection_of(name: str, field: GraphQLField) -> str:
    """Return a field with its required arguments."""
    required: Iterator[tuple[str, GraphQLArgument]] = (
        (each, argument) for each, argument in field.args.items() if is_required_argument(argument)
    )
    arguments = ", ".join(f"{each}: {literal(argument.type)}" for each, argument in required)
    selection = "" if is_leaf_type(get_named_type(field.type)) else " { __typename }"
    return f"{name}({arguments}){selection}" if arguments else f"{name}{selection}"


TICKETING = {
    f"{root.name}.{name}": f"{root.name.lower()} {{ {selection_of(name, field)} }}"
    for root in (SCHEMA.query_type, SCHEMA.mutation_type)
    if root is not None
    for name, field in root.fields.items()
    if f"{root.name}.{name}" not in ANSWERED_WHILE_OFF
}


def test_the_schema_has_every_reason() -> None:
    reasons = SCHEMA.type_map["PluginOffReason"]
    assert isinstance(reasons, GraphQLEnumType)
    assert set(reasons.values) == {*OffReason}


async def test_while_off_every_field_of_ticketing_is_refused(api: Api) -> None:
    await api.data(ADA, TOGGLE, enabled=False)
    for name, query in TICKETING.items():
        refused = await api.refusal(ADA, query)
        assert (name, refused) == (
            name,
            {"code": "plugin_disabled", "status": 403, "reason": "switched_off"}
            | {"plugin": "ticketing"},
        )


async def test_while_off_other_fields_are_answered(api: Api) -> None:
    await api.data(ADA, TOGGLE, enabled=False)
    await api.data(ANNA, "{ viewer { id } __schema { queryType { name } } }")
    [plugin] = (await api.data(ANNA, PLUGINS))["plugins"]
    message = "ticketing is off: an admin switched it off, and an admin can switch it on."
    assert plugin == OFF | {"message": message}
    plan = "query ($values: String!) { reconcilePlan(values: $values) { isEmpty } }"
    await api.data(ADA, plan, values="ticketing: {}")


async def test_the_data_is_kept(api: Api) -> None:
    created = (await api.data(ANNA, CREATE))["createTicket"]["ticket"]
    assert (await api.data(ADA, TOGGLE, enabled=False))["togglePlugin"] == {"plugin": OFF}
    assert (await api.data(ADA, TOGGLE, enabled=True))["togglePlugin"] == {"plugin": ON}
    assert (await api.data(ANNA, TICKETS))["tickets"]["nodes"] == [created]


async def test_an_admin_cannot_switch_on_what_the_values_switch_off(
    api: Api, database: Database
) -> None:
    await put_resources(database, declared_resources(Ticketing(enabled=False)).values())
    declared_off = {"code": "plugin_disabled", "status": 403, "reason": "declared_off"}
    while (await api.data(ANNA, PLUGINS))["plugins"][0]["enabled"]:
        await database.check()
    [plugin] = (await api.data(ANNA, PLUGINS))["plugins"]
    message = "ticketing is off: the applied values contain `ticketing.enabled: false`."
    assert plugin == OFF | {"reason": "declared_off", "message": message}
    for actor, query in ((ANNA, TICKETS), (ANNA, CREATE), (ADA, TOGGLE)):
        refused = await api.refusal(actor, query, enabled=True)
        assert refused == declared_off | {"plugin": "ticketing"}
    await api.data(ADA, TOGGLE, enabled=False)
    await put_resources(database)
    while (await api.data(ANNA, PLUGINS))["plugins"][0]["reason"] != "switched_off":
        await database.check()
    await api.data(ADA, TOGGLE, enabled=True)
    await api.data(ANNA, CREATE)


async def test_a_request_sees_its_own_switch(api: Api) -> None:
    switch_and_create = """
    mutation {
      togglePlugin(name: "ticketing", enabled: false) { plugin { enabled } }
      createTicket(title: "T", workflow: "incident_response") { ticket { id } }
    }
    """
    answer = await api.ask(ADA, switch_and_create)
    assert answer["data"]["createTicket"] is None
    assert answer["errors"][0]["extensions"]["code"] == "plugin_disabled"


async def test_others_than_admins_switch_nothing(api: Api) -> None:
    for actor in (ANNA, MARTON):
        refused = await api.refusal(actor, TOGGLE, enabled=False)
        assert (refused["code"], refused["reason"]) == ("forbidden", "admin_required")
    await api.data(ANNA, TICKETS)


async def test_an_unknown_plugin_is_not_found(api: Api) -> None:
    answer = await api.ask(ADA, TOGGLE, name="tickets", enabled=False)
    assert "Did you mean 'ticketing'" in answer["errors"][0]["message"]
    assert answer["errors"][0]["extensions"]["code"] == "not_found"


async def test_all_replicas_are_notified(
    api: Api, engine: EngineHandle, settings: Settings
) -> None:
    async with (
        open_application_on(engine, settings) as application,
        TestClient(TestServer(application)) as client,
    ):
        replica = Api(client)
        await replica.data(ANNA, TICKETS)
        await api.data(ADA, TOGGLE, enabled=False)
        assert (await replica.refusal(ANNA, CREATE))["code"] == "plugin_disabled"
        while "errors" not in await replica.ask(ANNA, TICKETS):
            await engine.database.check()
        await api.data(ADA, TOGGLE, enabled=True)
        while "errors" in await replica.ask(ANNA, TICKETS):
            await engine.database.check()


class LicenceClock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


KEY = LicenceKey.new()


def licensed(*plugins: Plugin, days: int = 30, begins_at: datetime | None = None) -> str:
    return KEY.issue("ACME", plugins, datetime.now(UTC) + timedelta(days=days), begins_at)


STATES: dict[str, tuple[str | None, bool, OffReason | None]] = {
    "a licence with ticketing": (licensed(*Plugin), True, None),
    "a licence without ticketing": (licensed(), False, OffReason.NOT_LICENSED),
    "no licence": (None, False, OffReason.NOT_LICENSED),
    "a licence with another key": (
        LicenceKey.new().issue("ACME", Plugin, datetime.now(UTC) + timedelta(days=30)),
        False,
        OffReason.NOT_LICENSED,
    ),
    "a licence that begins later": (
        licensed(*Plugin, begins_at=datetime.now(UTC) + timedelta(days=1)),
        False,
        OffReason.LICENCE_NOT_YET_VALID,
    ),
    "an expired licence": (licensed(*Plugin, days=-1), False, OffReason.LICENCE_EXPIRED),
}


class TestLicence:
    """A server that checks licences."""

    @pytest.fixture
    def clock(self) -> LicenceClock:
        return LicenceClock()

    @pytest.fixture
    def licence(self) -> str | None:
        return licensed(*Plugin)

    @pytest.fixture
    async def client(
        self, engine: EngineHandle, settings: Settings, licence: str | None, clock: LicenceClock
    ) -> AsyncIterator[Client]:
        limited = settings.model_copy(
            update={
                "license_public_key": KEY.public_text,
                "license_key": licence and SecretStr(licence),
            }
        )
        async with (
            open_application_on(engine, limited, clock) as application,
            TestClient(TestServer(application)) as opened,
        ):
            yield opened

    @pytest.mark.parametrize(("licence", "allowed", "reason"), STATES.values(), ids=STATES)
    async def test_the_licence_decides(
        self, api: Api, *, allowed: bool, reason: OffReason | None
    ) -> None:
        [plugin] = (await api.data(ANNA, PLUGINS))["plugins"]
        assert (plugin["enabled"], plugin["licensed"], plugin["reason"]) == (
            allowed,
            allowed,
            reason,
        )
        for actor, query, variables in ((ANNA, TICKETS, {}), (ADA, TOGGLE, {"enabled": True})):
            if allowed:
                await api.data(actor, query, **variables)
            else:
                refused = await api.refusal(actor, query, **variables)
                assert (refused["code"], refused["status"]) == ("plugin_disabled", 403)
                assert refused["reason"] == reason
                assert plugin["message"]

    async def test_a_licence_expires_while_the_server_runs(
        self, api: Api, clock: LicenceClock
    ) -> None:
        await api.data(ANNA, CREATE)
        clock.now += timedelta(days=31).total_seconds()
        for query in (CREATE, TICKETS):
            assert (await api.refusal(ANNA, query))["reason"] == "licence_expired"
        clock.now -= timedelta(days=2).total_seconds()
        await api.data(ANNA, CREATE)

    async def test_a_licensed_plugin_can_be_switched_off(self, api: Api) -> None:
        assert (await api.data(ADA, TOGGLE, enabled=False))["togglePlugin"] == {"plugin": OFF}
        assert (await api.refusal(ANNA, TICKETS))["reason"] == "switched_off"

    async def test_the_licence_is_the_reported_reason(self, api: Api, clock: LicenceClock) -> None:
        await api.data(ADA, TOGGLE, enabled=False)
        clock.now += timedelta(days=31).total_seconds()
        [plugin] = (await api.data(ANNA, PLUGINS))["plugins"]
        assert (plugin["licensed"], plugin["reason"]) == (False, "licence_expired")
        switched = await api.data(ADA, TOGGLE, enabled=False)
        assert switched["togglePlugin"]["plugin"]["reason"] == "licence_expired"

    async def test_the_admin_rule_is_checked_before_the_licence(
        self, api: Api, clock: LicenceClock
    ) -> None:
        clock.now += timedelta(days=31).total_seconds()
        assert (await api.refusal(ANNA, TOGGLE, enabled=True))["reason"] == "admin_required"
