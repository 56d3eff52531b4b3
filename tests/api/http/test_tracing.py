"""A receiver of OpenTelemetry gets the spans of requests, and log lines lead to them."""

import signal
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import aiohttp
import pytest

from tests.support.api_client import bearer
from tests.support.personas import ANNA
from tests.support.replicas import Replica, replica
from tests.support.streams import SUBPROTOCOL
from tests.support.trace_receiver import TraceReceiver, attributes, trace_receiver

TITLE = "a title that no trace contains"
OPEN = """
    mutation Open($title: String!) {
        createTicket(title: $title, workflow: "incident_response") { ticket { id } }
    }
"""
CLOSE = "mutation Close($id: ID!) { transitionTicket(id: $id, to: CLOSED) { ticket { id } } }"
TRACE, CALLER = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
NOT_SAMPLED = {"traceparent": f"00-{'1' * 32}-{CALLER}-00"}


@dataclass
class TracedServer:
    server: Replica
    receiver: TraceReceiver
    client: aiohttp.ClientSession

    async def ask(self, query: str, **variables: object) -> dict[str, object]:
        headers = {"traceparent": f"00-{TRACE}-{CALLER}-01"}
        body = {"query": query, "variables": variables}
        async with self.client.post("/graphql", json=body, headers=headers) as response:
            answer: dict[str, object] = await response.json()
        return answer


@pytest.fixture
async def traced(database_url: str) -> AsyncIterator[TracedServer]:
    async with AsyncExitStack() as stack:
        receiver = await stack.enter_async_context(trace_receiver())
        settings = {"INTERLOCK_TRACES_URL": receiver.url}
        server = await stack.enter_async_context(replica(database_url, settings))
        session = aiohttp.ClientSession(server.url, headers=bearer(ANNA))
        client = await stack.enter_async_context(session)
        yield TracedServer(server, receiver, client)


async def test_a_trace_has_the_request_and_its_statements(traced: TracedServer) -> None:
    server, receiver = traced.server, traced.receiver
    opened = await traced.ask(OPEN, title=TITLE)
    ticket = opened["data"]["createTicket"]["ticket"]["id"]  # type: ignore[index]  # JSON
    refused = await traced.ask(CLOSE, id=ticket)
    assert "errors" in refused
    for path, headers in (("/livez", {}), ("/api/v1/tickets", NOT_SAMPLED)):
        async with traced.client.get(path, headers=headers) as response:
            assert response.status == 200
    async with traced.client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,)) as socket:
        await socket.send_json({"type": "connection_init"})
        await socket.receive_json()
    server.send_signal(signal.SIGTERM)
    assert await server.wait_until_ended() == 0  # which sends the last spans

    requests = [each for each in receiver.spans if each.name == "POST /graphql"]
    assert {each.name for each in receiver.spans if each.kind == requests[0].kind} == {
        "POST /graphql"
    }
    first, second = sorted(requests, key=lambda each: each.start_time_unix_nano)
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, CALLER)
    lines = {line.get("operation"): line for line in server.log if line["event"] == "request"}
    for span, operation, code in ((first, "Open", None), (second, "Close", "forbidden_transition")):
        line, found = lines[operation], attributes(span.attributes)
        assert line["trace_id"] == TRACE
        assert (line["ticket"], line["actor"], line.get("code")) == (ticket, ANNA.id, code)
        assert found["interlock.ticket"] == ticket
        assert found["interlock.request_id"] == line["request_id"]
        assert found["enduser.id"] == ANNA.id
        assert found["graphql.operation.name"] == operation
        assert found.get("error.type") == code
        assert found["http.response.status_code"] == 200
        statements = [each for each in receiver.spans if each.parent_span_id == span.span_id]
        assert statements
        for each in statements:
            assert attributes(each.attributes)["db.system.name"] == "postgresql"
            assert each.trace_id == span.trace_id
            assert span.start_time_unix_nano <= each.start_time_unix_nano
            assert each.start_time_unix_nano <= each.end_time_unix_nano
    names = {each.name for each in receiver.spans if each.parent_span_id == first.span_id}
    assert {"BEGIN", "INSERT", "COMMIT"} <= names
    assert TITLE not in str(receiver.spans)
    assert receiver.services[0]["service.name"] == "interlock"


async def test_a_receiver_that_is_gone_changes_nothing_for_clients(database_url: str) -> None:
    settings = {"INTERLOCK_TRACES_URL": "http://127.0.0.1:1/v1/traces"}
    async with replica(database_url, settings) as server:
        async with (
            aiohttp.ClientSession(server.url, headers=bearer(ANNA)) as client,
            client.get("/api/v1/tickets") as response,
        ):
            assert response.status == 200
        server.send_signal(signal.SIGTERM)
        assert await server.wait_until_ended() == 0
