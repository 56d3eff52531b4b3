"""Tickets for other users, in GraphQL, over REST and in the forms of the web UI."""

from http import HTTPStatus
from typing import Any, Final

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.settings import Settings
from engine.tickets.actor import Actor
from engine.vocabulary import Visibility
from tests.api.web.test_new_ticket import CATALOG
from tests.support.api_client import Api, Client, SharedApplication, bearer
from tests.support.declared_resources import declare
from tests.support.personas import ADA, ANNA, CILI, MARTON, OUTSIDER
from tests.support.web_client import submit

CREATE: Final = """
mutation ($requester: ID) {
  createTicket(title: "No VPN", workflow: "access_request", requester: $requester) {
    ticket { id requester { name } history { kind actorUser { name } onBehalfOf { id name } } }
  }
}
"""
CREATE_FROM_ITEM: Final = """
mutation ($requester: ID) {
  createTicketFromCatalog(item: "laptop", requester: $requester) {
    ticket { id requester { name } history { kind actorUser { name } onBehalfOf { id name } } }
  }
}
"""
REST: Final = {
    "a form": {"title": "No VPN", "workflow": "access_request"},
    "an item": {"item": "laptop"},
}
FORMS: Final = {
    "/new/form": {"title": "No VPN", "workflow": "access_request", "priority": "LOW"},
    "/new/items/laptop": {},
}
OPENERS: Final = pytest.mark.parametrize("opener", [MARTON, ADA], ids=["member", "admin"])
OTHERS: Final = pytest.mark.parametrize("other", [OUTSIDER, CILI], ids=["no group", "another"])
FIELD: Final = 'name="requester"'


@pytest.fixture(scope="module", autouse=True)
async def declared(shared: SharedApplication) -> None:
    await declare(shared.database, catalog=CATALOG, onBehalf=["payment-team"])


@pytest.mark.parametrize("mutation", [CREATE, CREATE_FROM_ITEM])
@OPENERS
async def test_graphql_shows_both_users(opener: Actor, mutation: str, shared_api: Api) -> None:
    [payload] = (await shared_api.data(opener, mutation, requester=ANNA.id)).values()
    assert payload["ticket"]["requester"] == {"name": ANNA.name}
    assert payload["ticket"]["history"] == [
        {
            "kind": "CREATED",
            "actorUser": {"name": opener.name},
            "onBehalfOf": {"id": ANNA.id, "name": ANNA.name},
        }
    ]
    [own] = (await shared_api.data(opener, mutation, requester=opener.id)).values()
    assert own["ticket"]["history"][0]["onBehalfOf"] is None


@pytest.mark.parametrize("mutation", [CREATE, CREATE_FROM_ITEM])
@OTHERS
async def test_graphql_refuses_others(other: Actor, mutation: str, shared_api: Api) -> None:
    refusal = await shared_api.refusal(other, mutation, requester=ANNA.id)
    assert (refusal["code"], refusal["field"]) == ("forbidden", "requester")


@pytest.mark.parametrize("viewer", [MARTON, ADA, OUTSIDER, CILI], ids=lambda each: each.id)
async def test_graphql_states_who_can(viewer: Actor, shared_api: Api) -> None:
    data = await shared_api.data(viewer, "{ viewer { canOpenOnBehalf } }")
    assert data["viewer"]["canOpenOnBehalf"] is (viewer in {MARTON, ADA})


async def post(shared: SharedApplication, actor: Actor, body: dict[str, str]) -> tuple[int, Any]:
    headers = bearer(actor)
    async with shared.client.post("/api/v1/tickets", json=body, headers=headers) as response:
        return response.status, await response.json()


@pytest.mark.parametrize("body", REST.values(), ids=REST)
async def test_rest_opens_tickets_for_others(
    body: dict[str, str], shared: SharedApplication
) -> None:
    status, ticket = await post(shared, MARTON, body | {"requester": ANNA.id})
    assert (status, ticket["requester"]) == (HTTPStatus.CREATED, ANNA.id)
    status, problem = await post(shared, MARTON, body | {"requester": "u_b2"})
    assert (status, problem["code"], problem["field"]) == (400, "unknown_user", "requester")
    for other in (OUTSIDER, CILI):
        status, problem = await post(shared, other, body | {"requester": ANNA.id})
        assert (status, problem["code"]) == (HTTPStatus.FORBIDDEN, "forbidden")


async def page(client: Client, actor: Actor, path: str) -> str:
    async with client.get(path, headers=bearer(actor)) as response:
        assert response.status == HTTPStatus.OK
        return await response.text()


@pytest.mark.parametrize("path", FORMS)
@OPENERS
async def test_a_form_opens_a_ticket_for_another_user(
    opener: Actor, path: str, shared: SharedApplication
) -> None:
    form = await page(shared.client, opener, path)
    assert FIELD in form
    fields = FORMS[path] | {"requester": f" {ANNA.id} "}
    async with await submit(shared.client, path, bearer(opener), fields) as response:
        assert response.status == HTTPStatus.SEE_OTHER
        location = response.headers["Location"]
    ticket = await page(shared.client, opener, location)
    assert f"{opener.name}</strong></bdi> <bdi>opened this ticket for {ANNA.name}" in ticket
    async with await submit(shared.client, path, bearer(opener), FORMS[path]) as response:
        own = await page(shared.client, opener, response.headers["Location"])
    assert "opened this ticket for" not in own


@pytest.mark.parametrize("path", FORMS)
@OTHERS
async def test_a_forged_field_of_a_form_is_refused(
    other: Actor, path: str, shared: SharedApplication
) -> None:
    assert FIELD not in await page(shared.client, other, path)
    fields = FORMS[path] | {"requester": ANNA.id, "description": "Typed for long"}
    async with await submit(shared.client, path, bearer(other), fields) as response:
        assert response.status == HTTPStatus.FORBIDDEN
        text = await response.text()
    assert "Only admins and members of a group in ticketing.onBehalf" in text
    assert "Typed for long" in text
    assert 'href="#requester"' not in text


async def test_an_unknown_requester_is_a_problem_of_the_field(shared: SharedApplication) -> None:
    fields = FORMS["/new/form"] | {"requester": "u_b2"}
    async with await submit(shared.client, "/new/form", bearer(MARTON), fields) as response:
        assert response.status == HTTPStatus.BAD_REQUEST
        text = await response.text()
    assert 'id="problem-requester">No user with the id &#39;u_b2&#39; has signed in.' in text
    assert 'value="u_b2" aria-invalid="true"' in text


async def test_an_opener_who_cannot_read_the_ticket_sees_that_it_is_open(
    engine: EngineHandle, settings: Settings
) -> None:
    await declare(
        engine.database,
        catalog=CATALOG,
        onBehalf=["payment-team"],
        visibility=Visibility.INVOLVED,
    )
    async with (
        open_application_on(engine, settings) as application,
        TestClient(TestServer(application)) as client,
    ):
        for path, draft in (("/new/form", "new form: "), ("/new/items/laptop", "new laptop: ")):
            fields = FORMS[path] | {"requester": ANNA.id}
            async with await submit(client, path, bearer(MARTON), fields) as response:
                assert response.status == HTTPStatus.SEE_OTHER
                location = response.headers["Location"]
            shown = await page(client, MARTON, location)
            assert f'role="status" data-sent="{draft}"' in shown
