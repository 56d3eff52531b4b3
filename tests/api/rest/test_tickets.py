"""Tickets over REST: scripts create, read and change tickets, and get clear errors."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_hex
from typing import Any

import pytest
from multidict import CIMultiDictProxy
from pydantic import BaseModel

from api.rest.openapi import _build_document
from api.rest.ticket_models import (
    AssigneeGroupRequest,
    AssigneeRequest,
    CommentRequest,
    NewTicket,
    NewTicketFromItem,
    SlaRequest,
    SlaTargetsRequest,
    StartRequest,
    TicketResponse,
    TransitionRequest,
)
from engine.plugins import Plugin
from engine.storage.history.changes import read_histories
from engine.storage.postgres.database import Database
from engine.storage.resources.plugins import set_plugin_enabled
from engine.tickets.actor import Actor
from engine.tickets.commands import (
    AssignTicket,
    ChangeCommand,
    Command,
    CommentTicket,
    CreateTicket,
    CreateTicketFromCatalog,
    RequestedSla,
    RequestedTargets,
    StartTicket,
    TransferTicket,
    TransitionTicket,
)
from engine.tickets.history import EntryKind
from engine.tickets.sla_timers import build_timers
from engine.tickets.ticket import Ticket
from tests.engine.storage.resources.test_catalog import MINUTE, RESOURCES
from tests.support.api_client import Client, SharedApplication, bearer
from tests.support.declared_resources import put_resources
from tests.support.personas import ADA, ANNA, MARTON, OUTSIDER

TICKETS = "/api/v1/tickets"
INCIDENT = {
    "title": "Card payments time out",
    "workflow": "incident_response",
    "priority": "HIGH",
    "assigneeGroup": "payment-team",
}


@dataclass(frozen=True)
class Response:
    status: int
    headers: CIMultiDictProxy[str]
    body: Any

    @property
    def etag(self) -> str:
        return self.headers["ETag"]

    @property
    def code(self) -> str:
        assert self.headers["Content-Type"] == "application/problem+json"
        code: str = self.body["code"]
        return code


class Rest:
    """A client of the REST API."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def send(
        self, actor: Actor, target: str, body: object = None, **headers: str
    ) -> Response:
        """Send `METHOD path`; names of headers have underscores instead of hyphens."""
        method, path = target.split()
        sent = bearer(actor) | {name.replace("_", "-"): each for name, each in headers.items()}
        async with self.client.request(method, path, json=body, headers=sent) as response:
            text = await response.text()
            return Response(response.status, response.headers, json.loads(text) if text else None)

    async def create(self, actor: Actor = ANNA, **more: object) -> str:
        """Open a ticket and return its path."""
        response = await self.send(actor, f"POST {TICKETS}", INCIDENT | more)
        assert response.status == HTTPStatus.CREATED, response.body
        return response.headers["Location"]


@pytest.fixture
def rest(shared: SharedApplication) -> Rest:
    return Rest(shared.client)


@pytest.fixture
def database(shared: SharedApplication) -> Database:
    return shared.database


@pytest.fixture
def key() -> str:
    return token_hex()


def documented_members(error: str) -> set[str]:
    """Return the members of an error that the OpenAPI document requires."""
    schemas = json.loads(_build_document())["components"]["schemas"]
    return {*schemas["Problem"]["required"], *schemas[error]["required"]}


async def test_the_whole_life_of_a_ticket(rest: Rest) -> None:
    created = await rest.send(ANNA, f"POST {TICKETS}", INCIDENT)
    assert (created.status, created.etag) == (201, '"1"')
    path = created.headers["Location"]
    assert path == f"{TICKETS}/{created.body['id']}"
    steps = [
        (MARTON, f"PUT {path}/assignee", {"assignee": MARTON.id}),
        (MARTON, f"POST {path}/transitions", {"to": "IN_PROGRESS"}),
        (MARTON, f"POST {path}/comments", {"text": "Rolled back.", "internal": True}),
        (MARTON, f"POST {path}/transitions", {"to": "RESOLVED"}),
        (ANNA, f"POST {path}/transitions", {"to": "CLOSED"}),
    ]
    for version, (actor, target, body) in enumerate(steps, 2):
        done = await rest.send(actor, target, body)
        assert (done.status, done.etag, done.headers["Content-Location"]) == (
            200,
            f'"{version}"',
            path,
        )
    read = await rest.send(OUTSIDER, f"GET {path}")
    assert (read.status, read.etag, read.body) == (200, '"6"', done.body)
    assert (read.body["status"], read.body["assignee"]) == ("CLOSED", MARTON.id)


async def test_a_ticket_always_has_the_same_members(rest: Rest) -> None:
    read = await rest.send(ANNA, f"GET {await rest.create()}")
    timestamps = {read.body.pop(name) for name in ("createdAt", "updatedAt")}
    assert len(timestamps) == 1
    assert read.body.pop("id").startswith("tk_")
    assert read.body == {
        "title": "Card payments time out",
        "description": "",
        "status": "OPEN",
        "priority": "HIGH",
        "workflow": "incident_response",
        "requester": ANNA.id,
        "assignee": None,
        "assigneeGroup": "payment-team",
        "item": None,
        "service": None,
        "version": 1,
    }


async def test_a_ticket_comes_from_a_catalog_item(rest: Rest, database: Database) -> None:
    await put_resources(database, RESOURCES)
    created = await rest.send(ANNA, f"POST {TICKETS}", {"item": "network_outage"})
    assert (created.status, created.body["item"]) == (201, "network_outage")
    assert (created.body["title"], created.body["priority"]) == ("Network outage", "HIGH")
    unknown = await rest.send(ANNA, f"POST {TICKETS}", {"item": "network_outrage"})
    assert (unknown.status, unknown.code) == (404, "not_found")
    assert "network_outage" in unknown.body["detail"]


async def test_a_new_ticket_can_have_sla_targets(rest: Rest, database: Database) -> None:
    own = {"sla": {"targets": {"response": "30m", "resolution": "PT4H"}}}
    refused = await rest.send(ANNA, f"POST {TICKETS}", INCIDENT | own)
    assert (refused.status, refused.code) == (403, "forbidden")
    assert refused.body["field"] == "sla.targets"
    path = await rest.create(MARTON, **own)
    ticket = path.rpartition("/")[2]
    sla = build_timers((await read_histories(database, [ticket]))[ticket])
    assert sla is not None
    assert (sla.targets.response, sla.targets.resolution) == (30 * MINUTE, 240 * MINUTE)


async def test_a_forbidden_transition_is_fully_explained(rest: Rest) -> None:
    path = await rest.create()
    refused = await rest.send(ANNA, f"POST {path}/transitions", {"to": "IN_PROGRESS"})
    assert (refused.status, refused.code) == (403, "forbidden_transition")
    assert refused.body["reason"] == "role_required"
    assert (refused.body["from"], refused.body["to"]) == ("OPEN", "IN_PROGRESS")
    assert (refused.body["actorRoles"], refused.body["allowedRoles"]) == (
        ["requester"],
        ["assignee"],
    )
    assert (refused.body["availableStatuses"], refused.body["allowed"]) == ([], False)
    assert refused.body["instance"] == f"{path}/transitions"
    assert set(refused.body) == documented_members("ForbiddenTransition")
    assert (await rest.send(ANNA, f"GET {path}")).etag == '"1"'


class TestConditionalRequests:
    @pytest.mark.parametrize(
        ("etags", "status"),
        [
            ('"1"', 304),
            ('W/"1"', 304),
            ("*", 304),
            ('"7", "1"', 304),
            ('"2"', 200),
            ('"01"', 200),
            ("1", 400),
            ('"1', 400),
            ('"1" "2"', 400),
            ('*, "1"', 400),
            ("", 400),
        ],
    )
    async def test_a_ticket_that_the_client_has_is_not_sent_again(
        self, rest: Rest, etags: str, status: int
    ) -> None:
        path = await rest.create()
        response = await rest.send(ANNA, f"GET {path}", If_None_Match=etags)
        assert response.status == status
        if status == HTTPStatus.NOT_MODIFIED:
            assert (response.etag, response.body) == ('"1"', None)
            assert response.headers["Cache-Control"] == "private, no-cache"

    @pytest.mark.parametrize(
        ("etags", "status"),
        [
            ('"2"', 200),
            ("*", 200),
            ('"1", "2"', 200),
            ('W/"1" , "2"', 200),
            ('"1"', 412),
            ('W/"2"', 412),
            ('"abc"', 412),
            ('"3"', 412),
            ('"99999999999999999999"', 412),
            ("2", 400),
            ('"2', 400),
            ('*, "2"', 400),
        ],
    )
    async def test_a_change_requires_the_expected_version(
        self, rest: Rest, etags: str, status: int
    ) -> None:
        path = await rest.create()
        await rest.send(MARTON, f"PUT {path}/assignee", {"assignee": MARTON.id})
        changes = [
            ("POST", "transitions", {"to": "IN_PROGRESS"}),
            ("POST", "comments", {"text": "On it."}),
            ("PUT", "assignee", {"assignee": None}),
        ]
        for method, what, body in changes if status != HTTPStatus.OK else changes[:1]:
            response = await rest.send(MARTON, f"{method} {path}/{what}", body, If_Match=etags)
            assert response.status == status, response.body
            if status == HTTPStatus.PRECONDITION_FAILED:
                assert response.code == "version_conflict"
                assert response.body["currentVersion"] == 2
                assert "is at version 2" in response.body["detail"]
                assert set(response.body) == documented_members("VersionConflict") | {"reason"}
        assert (await rest.send(ANNA, f"GET {path}")).etag == ('"3"' if status == 200 else '"2"')

    async def test_a_missing_ticket_is_not_found_whatever_version_is_expected(
        self, rest: Rest
    ) -> None:
        for path in (f"{TICKETS}/tk_000000", f"{TICKETS}/nothing"):
            for etags in ('"1"', "*"):
                target = f"POST {path}/comments"
                response = await rest.send(ANNA, target, {"text": "Hello"}, If_Match=etags)
                assert (response.status, response.code) == (404, "not_found")


class TestIdempotency:
    async def test_a_ticket_is_opened_once(self, rest: Rest, key: str) -> None:
        first = await rest.send(ANNA, f"POST {TICKETS}", INCIDENT, Idempotency_Key=key)
        path = first.headers["Location"]
        await rest.send(ANNA, f"POST {path}/comments", {"text": "Hello"})
        again = await rest.send(ANNA, f"POST {TICKETS}", INCIDENT, Idempotency_Key=f'"{key}"')
        assert (again.status, again.etag, again.body) == (201, '"1"', first.body)
        assert again.headers["Location"] == path

    async def test_a_change_happens_once(self, rest: Rest, database: Database, key: str) -> None:
        path = await rest.create()
        headers = {"Idempotency_Key": key, "If_Match": '"1"'}
        for _ in range(3):
            response = await rest.send(ANNA, f"POST {path}/comments", {"text": "Hello"}, **headers)
            assert (response.status, response.etag) == (200, '"2"')
        ticket = path.rpartition("/")[2]
        kinds = [each.kind for each in (await read_histories(database, [ticket]))[ticket]]
        assert kinds == [EntryKind.CREATED, EntryKind.COMMENT]

    async def test_a_key_cannot_be_used_for_another_request(self, rest: Rest, key: str) -> None:
        path = await rest.create()
        await rest.send(ANNA, f"POST {path}/comments", {"text": "Hello"}, Idempotency_Key=key)
        for target, body in (
            (f"POST {path}/comments", {"text": "Good bye"}),
            (f"POST {path}/transitions", {"to": "CLOSED"}),
            (f"POST {TICKETS}", INCIDENT),
        ):
            response = await rest.send(ANNA, target, body, Idempotency_Key=key)
            assert (response.status, response.code) == (422, "idempotency_conflict")
        theirs = await rest.send(MARTON, f"POST {TICKETS}", INCIDENT, Idempotency_Key=key)
        assert theirs.status == HTTPStatus.CREATED

    @pytest.mark.parametrize("key", ["", '""', '"a', "a b", "a, b", "ü", "x" * 121, '"a";b'])
    async def test_a_malformed_key_is_an_error(self, rest: Rest, key: str) -> None:
        response = await rest.send(ANNA, f"POST {TICKETS}", INCIDENT, Idempotency_Key=key)
        assert (response.status, response.code) == (400, "invalid_input")
        assert response.body["header"] == "Idempotency-Key"


BODIES: dict[str, tuple[str, object, str]] = {
    "not an object": ("", [], "must be a JSON object"),
    "an empty object": ("", {}, "$.title: is missing; $.workflow: is missing"),
    "an unknown field": ("", INCIDENT | {"prio": "LOW"}, "$.prio"),
    "a field in snake case": ("", INCIDENT | {"assignee_group": "x"}, "$.assignee_group"),
    "a key in the body": ("", INCIDENT | {"idempotencyKey": "x"}, "$.idempotencyKey"),
    "an item and a workflow": ("", INCIDENT | {"item": "x"}, "$.workflow"),
    "a wrong priority": ("", INCIDENT | {"priority": "URGENT"}, "$.priority"),
    "null for a field with a default": ("", INCIDENT | {"priority": None}, "$.priority"),
    "a blank title": ("", INCIDENT | {"title": " \t "}, "$.title"),
    "a title of two lines": ("", INCIDENT | {"title": "a\nb"}, "$.title"),
    "an empty SLA": (
        "",
        INCIDENT | {"sla": {}},
        "$.sla: must have either byPriority: true or targets",
    ),
    "a wrong duration": (
        "",
        INCIDENT | {"sla": {"targets": {"response": "soon", "resolution": "4h"}}},
        "$.sla.targets.response: must be a duration",
    ),
    "a wrong status": ("/transitions", {"to": "DONE"}, "$.to"),
    "a number for a boolean": ("/comments", {"text": "x", "internal": 1}, "$.internal"),
    "a note without a text": (
        "/transitions",
        {"to": "RESOLVED", "internal": True},
        "$.internal: must not be true without a comment",
    ),
    "a start with a blank comment": ("/start", {"comment": " "}, "$.comment: must not be empty"),
    "a start of another status": ("/start", {"to": "RESOLVED"}, "$.to: is not a known field"),
    "not to me": ("/assignee", {"assignToMe": False}, "$.assignToMe: must be true"),
    "to me and to another": (
        "/assignee",
        {"assignToMe": True, "assignee": "u_b1"},
        "$.assignee: is not a known field",
    ),
    "no assignee": ("/assignee", {}, "$.assignee: is missing"),
    "no assignee group": ("/assignee-group", {}, "$.assigneeGroup: is missing"),
    "the system as assignee": (
        "/assignee",
        {"assignee": "system"},
        "$.assignee: must be the id of a user",
    ),
}


@pytest.mark.parametrize(("what", "body", "message"), BODIES.values(), ids=BODIES)
async def test_an_invalid_body_is_reported_with_json_paths(
    rest: Rest, what: str, body: object, message: str
) -> None:
    path = await rest.create() if what else TICKETS
    method = "PUT" if what.startswith("/assignee") else "POST"
    response = await rest.send(ANNA, f"{method} {path}{what}", body)
    assert (response.status, response.code) == (400, "invalid_input")
    assert message in response.body["detail"]
    assert all(
        each["path"] in response.body["detail"] for each in response.body.get("problems", [])
    )


async def test_a_ticket_is_started_and_resolved_with_comments(
    rest: Rest, database: Database, key: str
) -> None:
    path = await rest.create()
    target, body = f"POST {path}/start", {"comment": "I look into it", "internal": True}
    refused = await rest.send(ANNA, target, {})
    assert (refused.status, refused.code) == (403, "forbidden")
    for _ in range(2):
        started = await rest.send(MARTON, target, body, Idempotency_Key=key)
        assert (started.status, started.etag) == (200, '"4"')
        assert (started.body["status"], started.body["assignee"]) == ("IN_PROGRESS", MARTON.id)
    late = await rest.send(MARTON, target, {}, If_Match='"4"')
    assert (late.status, late.code) == (403, "forbidden_transition")
    stale = await rest.send(MARTON, target, {}, If_Match='"1"')
    assert (stale.status, stale.code) == (412, "version_conflict")
    resolving = {"to": "RESOLVED", "comment": "Rolled back"}
    resolved = await rest.send(MARTON, f"POST {path}/transitions", resolving)
    assert resolved.etag == '"6"'
    ticket = path.rpartition("/")[2]
    history = (await read_histories(database, [ticket]))[ticket]
    assert [(each.kind, each.new_value) for each in history[1:]] == [
        ("note", "I look into it"),
        ("assignee", MARTON.id),
        ("status", "IN_PROGRESS"),
        ("comment", "Rolled back"),
        ("status", "RESOLVED"),
    ]


async def test_a_ticket_is_assigned_to_the_user(rest: Rest) -> None:
    path = await rest.create()
    response = await rest.send(MARTON, f"PUT {path}/assignee", {"assignToMe": True})
    assert (response.status, response.body["assignee"]) == (200, MARTON.id)


async def test_a_transfer_clears_an_assignee_of_another_group(rest: Rest) -> None:
    path = await rest.create()
    await rest.send(MARTON, f"PUT {path}/assignee", {"assignee": MARTON.id})
    target, body = f"PUT {path}/assignee-group", {"assigneeGroup": "network-team"}
    refused = await rest.send(ANNA, target, body)
    assert (refused.status, refused.code) == (403, "forbidden")
    response = await rest.send(MARTON, target, body, If_Match='"2"')
    assert (response.status, response.etag) == (200, '"4"')
    assert (response.body["assigneeGroup"], response.body["assignee"]) == ("network-team", None)
    stale = await rest.send(ADA, target, {"assigneeGroup": None}, If_Match='"2"')
    assert (stale.status, stale.code) == (412, "version_conflict")


async def test_every_operation_fails_while_ticketing_is_off(rest: Rest, database: Database) -> None:
    path = await rest.create()
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=False)
    for target, body in (
        (f"POST {TICKETS}", INCIDENT),
        (f"POST {path}/comments", {"text": "Hello"}),
        (f"POST {path}/transitions", {"to": "IN_PROGRESS"}),
        (f"POST {path}/start", {}),
        (f"PUT {path}/assignee", {"assignee": None}),
        (f"PUT {path}/assignee", {"assignToMe": True}),
        (f"PUT {path}/assignee-group", {"assigneeGroup": None}),
    ):
        response = await rest.send(ADA, target, body)
        assert (response.status, response.code) == (403, "plugin_disabled")
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=True)


COMMANDS: dict[type[BaseModel], type[BaseModel]] = {
    NewTicket: CreateTicket,
    NewTicketFromItem: CreateTicketFromCatalog,
    TransitionRequest: TransitionTicket,
    StartRequest: StartTicket,
    CommentRequest: CommentTicket,
    AssigneeRequest: AssignTicket,
    AssigneeGroupRequest: TransferTicket,
    SlaRequest: RequestedSla,
    SlaTargetsRequest: RequestedTargets,
}


@pytest.mark.parametrize(("body", "command"), COMMANDS.items(), ids=lambda each: each.__name__)
def test_a_body_has_the_fields_and_defaults_of_its_command(
    body: type[BaseModel], command: type[BaseModel]
) -> None:
    elsewhere = {*Command.model_fields, *ChangeCommand.model_fields}
    expected = {
        name: field for name, field in command.model_fields.items() if name not in elsewhere
    }
    assert {name: each.default for name, each in body.model_fields.items()} == {
        name: each.default for name, each in expected.items()
    }


def test_a_response_has_every_field_of_a_ticket() -> None:
    assert tuple(TicketResponse.model_fields) == Ticket._fields
