"""Every interface stops a request at its deadline, which includes storing the user."""

import asyncio
import json
from typing import Any, Final

import pytest

from api.graphql.transport.websocket_messages import SUBPROTOCOL
from api.limits_setting import read_limits
from api.settings import Settings
from engine.tickets.actor import Actor
from tests.support.api_client import Client, bearer
from tests.support.lock_gates import TIMEOUT_SECONDS, Observer

NEW_USER: Final = Actor("u_n1", "Nora V.")
LOCK_USER: Final = "INSERT INTO users (id) VALUES ('u_n1')"
"""Until the transaction ends, no other one can store the user."""
TICKET: Final = "/api/v1/tickets/tk_4f8e29"
QUERY: Final = {"query": "{ tickets { totalCount } }"}
SUBSCRIPTION: Final = {"query": "subscription { ticketsChanged { position } }"}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    limits = read_limits("request_seconds=0.2 lock_wait_seconds=3600 wait_seconds=3600")
    return settings.model_copy(update={"limits": limits})


async def rest(client: Client, method: str, path: str, body: object = None) -> tuple[int, Any]:
    async with client.request(method, path, json=body, headers=bearer(NEW_USER)) as response:
        return response.status, (await response.json(content_type=None))["code"]


async def graphql(client: Client) -> tuple[int, Any]:
    async with client.post("/graphql", json=QUERY, headers=bearer(NEW_USER)) as response:
        [error] = (await response.json(content_type=None))["errors"]
        return response.status, error["extensions"]["code"]


async def event(client: Client, body: object) -> tuple[int, Any]:
    async with client.post("/graphql/stream", json=body, headers=bearer(NEW_USER)) as response:
        lines = (await response.text()).splitlines()
    [error] = json.loads(lines[1].removeprefix("data: "))["errors"]
    return error["extensions"]["status"], error["extensions"]["code"]


async def message(client: Client, body: object) -> tuple[int, Any]:
    async with client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,)) as socket:
        credentials = {"authorization": bearer(NEW_USER)["Authorization"]}
        await socket.send_json({"type": "connection_init", "payload": credentials})
        await socket.receive_json()
        await socket.send_json({"type": "subscribe", "id": "1", "payload": body})
        [error] = (await socket.receive_json())["payload"]
    return error["extensions"]["status"], error["extensions"]["code"]


async def test_a_request_whose_user_cannot_be_stored_is_stopped_at_its_deadline(
    client: Client, observer: Observer
) -> None:
    async with observer.holding(LOCK_USER):
        answers = await asyncio.gather(
            rest(client, "GET", TICKET),
            rest(client, "POST", f"{TICKET}/comments", {"text": "On it"}),
            graphql(client),
            event(client, QUERY),
            event(client, SUBSCRIPTION),
            message(client, QUERY),
            message(client, SUBSCRIPTION),
        )
        assert answers == [(503, "deadline_exceeded")] * 7
        await observer.wait_until_blocked(0)  # their statements are cancelled
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while await rest(client, "GET", TICKET) != (404, "not_found"):
            pass
