"""Tickets over REST: what scripts create, read and change, and how they are refused."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from secrets import token_hex
from typing import Any

import pytest
from multidict import CIMultiDictProxy
from pydantic import BaseModel

from api.rest.openapi.problem_schemas import MovedOn, RefusedMove
from api.rest.ticket_models import (
    Assignment,
    NewComment,
    NewTicket,
    NewTicketFromItem,
    SlaRequest,
    SlaTargetsRequest,
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
    TransitionTicket,
)
from engine.tickets.history import EntryKind
from engine.tickets.sla_timers import build_timers
from engine.tickets.ticket import Ticket
from tests.engine.storage.resources.test_catalog import MINUTE, RESOURCES
from tests.support.api_client import Client, SharedApplication, bearer
from tests.support.declared_resources import put
from tests.support.people import ADA, ANNA, MARTON, OUTSIDER

TICKETS = "/api/v1/tickets"
INCIDENT = {
    "title": "Card payments time out",
    "workflow": "incident_response",
    "priority": "HIGH",
    "assigneeGroup": "payment-team",
}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: CIMultiDictProxy[str]
    body: Any

    @property
    def tag(self) -> str:
        return self.headers["ETag"]

    @property
    def code(self) -> str:
        assert self.headers["Content-Type"] == "application/problem+json"
        code: str = self.body["code"]
        return code


class Rest:
    """REST as a script speaks it."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def ask(self, actor: Actor, asked: str, body: object = None, **headers: str) -> Answer:
        """Return the answer to `METHOD path`; the names of headers are written with underscores."""
        method, path = asked.split()
        sent = bearer(actor) | {name.replace("_", "-"): each for name, each in headers.items()}
        async with self.client.request(method, path, json=body, headers=sent) as answer:
            text = await answer.text()
            return Answer(answer.status, answer.headers, json.loads(text) if text else None)

    async def create(self, actor: Actor = ANNA, **more: object) -> str:
        """Open a ticket and return its path."""
        answer = await self.ask(actor, f"POST {TICKETS}", INCIDENT | more)
        assert answer.status == HTTPStatus.CREATED, answer.body
        return answer.headers["Location"]


@pytest.fixture
def rest(shared: SharedApplication) -> Rest:
    return Rest(shared.client)


@pytest.fixture
def database(shared: SharedApplication) -> Database:
    return shared.database


@pytest.fixture
def key() -> str:
    return token_hex()


def names_of(model: type[BaseModel]) -> set[str]:
    """Return the names that a model has in JSON."""
    return {str(each.alias) for each in model.model_fields.values()}


async def test_the_whole_life_of_a_ticket(rest: Rest) -> None:
    created = await rest.ask(ANNA, f"POST {TICKETS}", INCIDENT)
    assert (created.status, created.tag) == (201, '"1"')
    path = created.headers["Location"]
    assert path == f"{TICKETS}/{created.body['id']}"
    steps = [
        (MARTON, f"PUT {path}/assignee", {"assignee": MARTON.id}),
        (MARTON, f"POST {path}/transitions", {"to": "IN_PROGRESS"}),
        (MARTON, f"POST {path}/comments", {"text": "Rolled back.", "internal": True}),
        (MARTON, f"POST {path}/transitions", {"to": "RESOLVED"}),
        (ANNA, f"POST {path}/transitions", {"to": "CLOSED"}),
    ]
    for version, (actor, asked, body) in enumerate(steps, 2):
        done = await rest.ask(actor, asked, body)
        assert (done.status, done.tag, done.headers["Content-Location"]) == (
            200,
            f'"{version}"',
            path,
        )
    read = await rest.ask(OUTSIDER, f"GET {path}")
    assert (read.status, read.tag, read.body) == (200, '"6"', done.body)
    assert (read.body["status"], read.body["assignee"]) == ("CLOSED", MARTON.id)


async def test_a_ticket_is_told_with_always_the_same_keys(rest: Rest) -> None:
    read = await rest.ask(ANNA, f"GET {await rest.create()}")
    moments = {read.body.pop(name) for name in ("createdAt", "updatedAt")}
    assert len(moments) == 1
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
    await put(database, RESOURCES)
    created = await rest.ask(ANNA, f"POST {TICKETS}", {"item": "network_outage"})
    assert (created.status, created.body["item"]) == (201, "network_outage")
    assert (created.body["title"], created.body["priority"]) == ("Network outage", "HIGH")
    unknown = await rest.ask(ANNA, f"POST {TICKETS}", {"item": "network_outrage"})
    assert (unknown.status, unknown.code) == (404, "not_found")
    assert "network_outage" in unknown.body["detail"]


async def test_what_shall_be_promised_is_said_in_the_body(rest: Rest, database: Database) -> None:
    path = await rest.create(sla={"targets": {"response": "30m", "resolution": "PT4H"}})
    ticket = path.rpartition("/")[2]
    sla = build_timers((await read_histories(database, [ticket]))[ticket])
    assert sla is not None
    assert (sla.targets.response, sla.targets.resolution) == (30 * MINUTE, 240 * MINUTE)


async def test_a_refused_transition_is_explained_as_a_whole(rest: Rest) -> None:
    path = await rest.create()
    refused = await rest.ask(ANNA, f"POST {path}/transitions", {"to": "IN_PROGRESS"})
    assert (refused.status, refused.code) == (403, "forbidden_transition")
    assert refused.body["reason"] == "role_required"
    assert (refused.body["from"], refused.body["to"]) == ("OPEN", "IN_PROGRESS")
    assert (refused.body["actorRoles"], refused.body["allowedRoles"]) == (
        ["requester"],
        ["assignee"],
    )
    assert (refused.body["availableStatuses"], refused.body["allowed"]) == ([], False)
    assert refused.body["instance"] == f"{path}/transitions"
    assert set(refused.body) == names_of(RefusedMove)
    assert (await rest.ask(ANNA, f"GET {path}")).tag == '"1"'


class TestConditions:
    @pytest.mark.parametrize(
        ("tags", "status"),
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
    async def test_who_has_it_already_is_told_so(self, rest: Rest, tags: str, status: int) -> None:
        path = await rest.create()
        answer = await rest.ask(ANNA, f"GET {path}", If_None_Match=tags)
        assert answer.status == status
        if status == HTTPStatus.NOT_MODIFIED:
            assert (answer.tag, answer.body) == ('"1"', None)
            assert answer.headers["Cache-Control"] == "private, no-cache"

    @pytest.mark.parametrize(
        ("tags", "status"),
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
    async def test_a_change_happens_to_the_expected_version_only(
        self, rest: Rest, tags: str, status: int
    ) -> None:
        path = await rest.create()
        await rest.ask(MARTON, f"PUT {path}/assignee", {"assignee": MARTON.id})
        asked = [
            ("POST", "transitions", {"to": "IN_PROGRESS"}),
            ("POST", "comments", {"text": "On it."}),
            ("PUT", "assignee", {"assignee": None}),
        ]
        for method, what, body in asked if status != HTTPStatus.OK else asked[:1]:
            answer = await rest.ask(MARTON, f"{method} {path}/{what}", body, If_Match=tags)
            assert answer.status == status, answer.body
            if status == HTTPStatus.PRECONDITION_FAILED:
                assert answer.code == "version_conflict"
                assert answer.body["currentVersion"] == 2
                assert "is at version 2" in answer.body["detail"]
                assert set(answer.body) == names_of(MovedOn) | {"reason"}
        assert (await rest.ask(ANNA, f"GET {path}")).tag == ('"3"' if status == 200 else '"2"')

    async def test_what_is_not_there_is_not_found_whatever_is_expected(self, rest: Rest) -> None:
        for path in (f"{TICKETS}/tk_000000", f"{TICKETS}/nothing"):
            for tags in ('"1"', "*"):
                asked = f"POST {path}/comments"
                answer = await rest.ask(ANNA, asked, {"text": "Hello"}, If_Match=tags)
                assert (answer.status, answer.code) == (404, "not_found")


class TestIdempotency:
    async def test_a_ticket_is_opened_once(self, rest: Rest, key: str) -> None:
        first = await rest.ask(ANNA, f"POST {TICKETS}", INCIDENT, Idempotency_Key=key)
        path = first.headers["Location"]
        await rest.ask(ANNA, f"POST {path}/comments", {"text": "Hello"})
        again = await rest.ask(ANNA, f"POST {TICKETS}", INCIDENT, Idempotency_Key=f'"{key}"')
        assert (again.status, again.tag, again.body) == (201, '"1"', first.body)
        assert again.headers["Location"] == path

    async def test_a_change_happens_once(self, rest: Rest, database: Database, key: str) -> None:
        path = await rest.create()
        headers = {"Idempotency_Key": key, "If_Match": '"1"'}
        for _ in range(3):
            answer = await rest.ask(ANNA, f"POST {path}/comments", {"text": "Hello"}, **headers)
            assert (answer.status, answer.tag) == (200, '"2"')
        ticket = path.rpartition("/")[2]
        kinds = [each.kind for each in (await read_histories(database, [ticket]))[ticket]]
        assert kinds == [EntryKind.CREATED, EntryKind.COMMENT]

    async def test_a_key_stands_for_one_request(self, rest: Rest, key: str) -> None:
        path = await rest.create()
        await rest.ask(ANNA, f"POST {path}/comments", {"text": "Hello"}, Idempotency_Key=key)
        for asked, body in (
            (f"POST {path}/comments", {"text": "Good bye"}),
            (f"POST {path}/transitions", {"to": "CLOSED"}),
            (f"POST {TICKETS}", INCIDENT),
        ):
            answer = await rest.ask(ANNA, asked, body, Idempotency_Key=key)
            assert (answer.status, answer.code) == (422, "idempotency_conflict")
        theirs = await rest.ask(MARTON, f"POST {TICKETS}", INCIDENT, Idempotency_Key=key)
        assert theirs.status == HTTPStatus.CREATED

    @pytest.mark.parametrize("key", ["", '""', '"a', "a b", "a, b", "ü", "x" * 121, '"a";b'])
    async def test_what_is_no_key_is_refused(self, rest: Rest, key: str) -> None:
        answer = await rest.ask(ANNA, f"POST {TICKETS}", INCIDENT, Idempotency_Key=key)
        assert (answer.status, answer.code) == (400, "invalid_input")
        assert answer.body["header"] == "Idempotency-Key"


BODIES: dict[str, tuple[str, object, str]] = {
    "no object": ("", [], "must be a JSON object"),
    "nothing": ("", {}, "$.title: is missing; $.workflow: is missing"),
    "an unknown field": ("", INCIDENT | {"prio": "LOW"}, "$.prio"),
    "a field of the engine": ("", INCIDENT | {"assignee_group": "x"}, "$.assignee_group"),
    "a key in the body": ("", INCIDENT | {"idempotencyKey": "x"}, "$.idempotencyKey"),
    "two forms at once": ("", INCIDENT | {"item": "x"}, "$.workflow"),
    "a wrong priority": ("", INCIDENT | {"priority": "URGENT"}, "$.priority"),
    "a null for a default": ("", INCIDENT | {"priority": None}, "$.priority"),
    "an invisible title": ("", INCIDENT | {"title": " \t "}, "$.title"),
    "a title of two lines": ("", INCIDENT | {"title": "a\nb"}, "$.title"),
    "no promise": ("", INCIDENT | {"sla": {}}, "$.sla: must be either byPriority or targets"),
    "a wrong duration": (
        "",
        INCIDENT | {"sla": {"targets": {"response": "soon", "resolution": "4h"}}},
        "$.sla.targets.response: is not a duration",
    ),
    "a wrong status": ("/transitions", {"to": "DONE"}, "$.to"),
    "a number for a switch": ("/comments", {"text": "x", "internal": 1}, "$.internal"),
    "nobody named": ("/assignee", {}, "$.assignee: is missing"),
    "the system": ("/assignee", {"assignee": "system"}, "$.assignee: must be a person"),
}


@pytest.mark.parametrize(("what", "body", "words"), BODIES.values(), ids=BODIES)
async def test_a_wrong_body_is_told_by_json_path(
    rest: Rest, what: str, body: object, words: str
) -> None:
    path = await rest.create() if what else TICKETS
    method = "PUT" if what == "/assignee" else "POST"
    answer = await rest.ask(ANNA, f"{method} {path}{what}", body)
    assert (answer.status, answer.code) == (400, "invalid_input")
    assert words in answer.body["detail"]
    assert all(each["path"] in answer.body["detail"] for each in answer.body.get("problems", []))


async def test_while_ticketing_is_off_everything_says_so(rest: Rest, database: Database) -> None:
    path = await rest.create()
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=False)
    for asked, body in (
        (f"POST {TICKETS}", INCIDENT),
        (f"POST {path}/comments", {"text": "Hello"}),
        (f"POST {path}/transitions", {"to": "IN_PROGRESS"}),
        (f"PUT {path}/assignee", {"assignee": None}),
    ):
        answer = await rest.ask(ADA, asked, body)
        assert (answer.status, answer.code) == (403, "plugin_disabled")
    await set_plugin_enabled(database, ADA, Plugin.TICKETING, enabled=True)


SAME_FIELDS: dict[type[BaseModel], type[BaseModel]] = {
    NewTicket: CreateTicket,
    NewTicketFromItem: CreateTicketFromCatalog,
    TransitionRequest: TransitionTicket,
    NewComment: CommentTicket,
    Assignment: AssignTicket,
    SlaRequest: RequestedSla,
    SlaTargetsRequest: RequestedTargets,
}


@pytest.mark.parametrize(("told", "form"), SAME_FIELDS.items(), ids=lambda each: each.__name__)
def test_a_body_has_the_fields_and_defaults_of_the_form(
    told: type[BaseModel], form: type[BaseModel]
) -> None:
    elsewhere = {*Command.model_fields, *ChangeCommand.model_fields}
    expected = {name: field for name, field in form.model_fields.items() if name not in elsewhere}
    assert {name: each.default for name, each in told.model_fields.items()} == {
        name: each.default for name, each in expected.items()
    }


def test_everything_of_a_ticket_is_told() -> None:
    assert tuple(TicketResponse.model_fields) == Ticket._fields
