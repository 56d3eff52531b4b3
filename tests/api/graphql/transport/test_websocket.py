"""The protocol graphql-transport-ws over a real socket."""

import asyncio
import json
import re
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from api.graphql.transport.websocket_messages import CloseCode
from api.limits import (
    CLOCK_LEEWAY_SECONDS,
    HTTP_LIMITS,
    STREAM_LIMITS,
    UNAUTHENTICATED_MESSAGE_CHARACTERS,
)
from tests.support.counting_schema import COUNT
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.paths import DOCS
from tests.support.streams import BEARER, StreamServer, authorization, serving

PAGE = (DOCS / "subscriptions.md").read_text("utf-8")
INIT = {"type": "connection_init", "payload": {"authorization": BEARER["Authorization"]}}
FOREVER = "subscription { forever }"


def subscribing(name: object = "a", **payload: object) -> dict[str, Any]:
    return {"id": name, "type": "subscribe", "payload": payload or {"query": FOREVER}}


def initialising(authorization: object) -> dict[str, Any]:
    return {"type": "connection_init", "payload": {"authorization": authorization}}


EXPIRED = authorization(-timedelta(seconds=CLOCK_LEEWAY_SECONDS + 1))

CLOSED: dict[str, tuple[list[object], int, str]] = {
    "not JSON": (["{"], 4400, "it is not valid JSON"),
    "not an object": (["[]"], 4400, "object"),
    "no type": ([{"id": "a"}], 4400, "type"),
    "an unknown type": ([{"type": "start"}], 4400, "start"),
    "a type of server messages": ([{"type": "connection_ack"}], 4400, "connection_ack"),
    "bytes": ([b"{}"], 4400, "text"),
    "an invalid payload": ([{"type": "ping", "payload": 1}], 4400, "payload"),
    "no id": ([INIT, {"type": "subscribe", "payload": {"query": FOREVER}}], 4400, "id: is missing"),
    "an empty id": ([INIT, subscribing("")], 4400, "id: "),
    "an id that is not text": ([INIT, subscribing(1)], 4400, "id: "),
    "no query": ([INIT, subscribing(variables={})], 4400, "payload: lacks the `query`"),
    "invalid variables": ([INIT, subscribing(query="{", variables=[])], 4400, "variables"),
    "a completion without an id": ([INIT, {"type": "complete"}], 4400, "id: is missing"),
    "an operation before the acknowledgement": ([subscribing()], 4401, "Unauthorized"),
    "no token": ([{"type": "connection_init"}], 4403, "Forbidden: missing"),
    "a token that is not text": ([initialising(1)], 4403, "Forbidden: malformed"),
    "another scheme": ([initialising("Basic YTpi")], 4403, "Forbidden: malformed"),
    "a manipulated token": (
        [initialising(BEARER["Authorization"][:-5] + "AAAAA")],
        4403,
        "Forbidden: bad_signature",
    ),
    "an expired token": ([initialising(EXPIRED)], 4403, "Forbidden: expired"),
    "a second initialisation": ([INIT, INIT], 4429, "Too many initialisation requests"),
    "an id that is in use": (
        [INIT, subscribing("x"), subscribing("x")],
        4409,
        "Subscriber for x already exists",
    ),
    "an id that is too long for the reason": (
        [INIT, subscribing("ő" * 200), subscribing("ő" * 200)],
        4409,
        "Subscriber for őőőő",
    ),
}
"""The messages of a client, and the close frame of the server."""


@pytest.mark.parametrize(("sent", "code", "reason"), CLOSED.values(), ids=CLOSED)
async def test_a_violation_of_the_protocol_closes_the_socket_with_its_code(
    sent: list[object], code: int, reason: str
) -> None:
    async with serving() as server, server.socket() as socket:
        for message in sent:
            if isinstance(message, bytes):
                await socket.socket.send_bytes(message)
            else:
                text = message if isinstance(message, str) else json.dumps(message)
                await socket.socket.send_str(text)
        closed = await socket.closed()
    assert closed[0] == code
    assert reason in closed[1]
    assert len(closed[1].encode()) <= 123
    assert len(server.sessions) == 0


@pytest.mark.parametrize("protocol", [None, "graphql-ws"])
async def test_another_subprotocol_is_refused(protocol: str | None) -> None:
    async with serving() as server, server.socket(protocol=protocol) as socket:
        assert await socket.closed() == (4406, "Subprotocol not acceptable: graphql-transport-ws")


async def test_a_client_that_sends_nothing_is_disconnected() -> None:
    limits = replace(STREAM_LIMITS, initialisation_seconds=0.05)
    async with serving(limits) as server, server.socket() as socket:
        assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_a_ping_does_not_initialise_the_connection() -> None:
    limits = replace(STREAM_LIMITS, initialisation_seconds=0.2)
    async with serving(limits) as server, server.socket() as socket:
        await socket.send({"type": "ping"}, {"type": "pong"})
        assert await socket.receive() == {"type": "pong"}
        assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_a_connection_ends_when_its_token_expires() -> None:
    about_to_expire = timedelta(seconds=3 - CLOCK_LEEWAY_SECONDS)
    async with serving() as server, server.socket() as socket:
        await socket.initialise(authorization(about_to_expire))
        await socket.subscribe("a", FOREVER)
        assert await socket.data("a") == {"forever": 1}
        assert await socket.closed() == (4403, "Forbidden: expired")
    assert server.counter.closed == 1


async def test_a_drain_closes_all_sockets_while_the_server_serves_on() -> None:
    async with serving() as server, server.acknowledged() as earlier:
        server.sessions.drain(0.01)
        async with server.socket() as later:
            assert await earlier.closed() == (1001, "Going away")
            assert await later.closed() == (1001, "Going away")


async def test_a_stopping_server_closes_its_sockets() -> None:
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(serving())
        socket = await stack.enter_async_context(server.acknowledged())
        silent = await stack.enter_async_context(server.socket())
        await socket.subscribe("a", FOREVER)
        await socket.data("a")
        stopping = asyncio.create_task(server.stop())
        assert await socket.closed() == (1001, "Going away")
        assert await silent.closed() == (1001, "Going away")
        await stopping
    assert server.counter.closed == 1


async def test_too_many_messages_close_the_socket() -> None:
    limits = replace(STREAM_LIMITS, message_burst=5, message_rate=0.001)
    async with serving(limits) as server, server.socket() as socket:
        await socket.send(*[{"type": "ping"}] * 6)
        assert [await socket.receive() for _ in range(5)] == [{"type": "pong"}] * 5
        assert await socket.closed() == (
            4429,
            "This socket can send 0.001 requests a second, and 5 at once: wait 1000 s.",
        )


async def test_a_large_message_closes_the_socket() -> None:
    limits = replace(STREAM_LIMITS, message_bytes=1_000)
    async with serving(limits) as server, server.socket() as socket:
        await socket.send({"type": "ping", "payload": {"text": "x" * 1_000}})
        assert (await socket.closed())[0] == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


@pytest.mark.parametrize("opcode", [aiohttp.WSMsgType.PING, aiohttp.WSMsgType.PONG])
async def test_control_frames_count_as_messages(opcode: aiohttp.WSMsgType) -> None:
    limits = replace(STREAM_LIMITS, message_burst=5, message_rate=0.001)
    async with serving(limits) as server, server.socket() as socket:
        send = socket.socket.ping if opcode is aiohttp.WSMsgType.PING else socket.socket.pong
        for _ in range(6):
            await send(b"x")
        assert (await socket.closed())[0] == 4429


async def test_messages_before_the_initialisation_count_as_requests_of_the_address() -> None:
    limits = replace(HTTP_LIMITS, address_rate=0.001, address_burst=4)
    async with serving(http_limits=limits) as server:
        async with server.socket() as socket:
            await socket.send({"type": "ping"}, INIT, *[{"type": "ping"}] * 10)
            assert await socket.receive() == {"type": "pong"}
            assert await socket.receive() == {"type": "connection_ack"}
            assert [await socket.receive() for _ in range(10)] == [{"type": "pong"}] * 10
        async with server.socket() as socket:
            await socket.send({"type": "ping"})
            assert (await socket.closed())[0] == 4429


async def test_a_long_message_before_the_initialisation_closes_the_socket() -> None:
    message = {"type": "ping", "payload": {"text": "x" * UNAUTHENTICATED_MESSAGE_CHARACTERS}}
    async with serving() as server, server.socket() as socket:
        await socket.send(message)
        assert await socket.closed() == (
            4400,
            "A message before connection_ack can have 16,384 characters.",
        )
    async with serving() as server, server.acknowledged() as socket:
        await socket.send(message)
        assert (await socket.receive())["type"] == "pong"


async def test_a_compressed_message_closes_the_socket() -> None:
    offer = {"Sec-WebSocket-Extensions": "permessage-deflate; client_max_window_bits"}
    async with serving() as server, server.socket(headers=offer) as socket:
        assert not socket.socket.compress
        await socket.socket.send_str(" " * 2**20, compress=15)
        assert (await socket.closed())[0] == aiohttp.WSCloseCode.PROTOCOL_ERROR


async def test_pings_are_answered_at_any_time_with_their_payload() -> None:
    async with serving() as server, server.socket() as socket:
        await socket.send({"type": "ping", "payload": {"at": 1}}, {"type": "pong"}, INIT)
        assert await socket.receive() == {"type": "pong", "payload": {"at": 1}}
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.send({"type": "pong", "payload": {}}, {"type": "ping", "payload": None})
        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize("name", ["authorization", "Authorization"])
async def test_the_token_can_be_sent_in_the_first_message(name: str) -> None:
    async with serving() as server, server.socket() as socket:
        payload = {name: BEARER["Authorization"], "other": 1}
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.receive() == {"type": "connection_ack"}


async def test_the_token_can_be_sent_in_the_header() -> None:
    async with serving() as server, server.socket(headers=BEARER) as socket:
        await socket.send({"type": "connection_init"})
        assert await socket.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    ("query", "data"),
    [("{ ready }", {"ready": True}), ("mutation { touch }", {"touch": 1})],
)
async def test_queries_and_mutations_are_answered_once(query: str, data: dict[str, Any]) -> None:
    async with serving() as server, server.acknowledged() as socket:
        await socket.subscribe("a", query)
        assert await socket.data("a") == data
        assert await socket.receive() == {"id": "a", "type": "complete"}


async def test_a_subscription_is_answered_until_it_is_complete_and_its_id_is_free_then() -> None:
    async with serving() as server, server.acknowledged() as socket:
        for _ in range(2):
            await socket.subscribe("a", COUNT, to=2)
            for number in (1, 2):
                assert await socket.data("a") == {"count": {"number": number, "context": "Anna K."}}
            assert await socket.receive() == {"id": "a", "type": "complete"}


REFUSED = {
    "no GraphQL": ("subscription {", {}, "graphql_parse_failed"),
    "not of the schema": ("subscription { nothing }", {}, "graphql_validation_failed"),
    "a wrong variable": (COUNT, {"to": "x"}, "invalid_variables"),
    "refused by the source": ("subscription { count(range: {from: 13, to: 13}) { number } }", {},
                              "not_found"),
}  # fmt: skip


@pytest.mark.parametrize(("query", "variables", "code"), REFUSED.values(), ids=REFUSED)
async def test_an_operation_that_is_refused_ends_with_an_error_and_nothing_else(
    query: str, variables: dict[str, Any], code: str
) -> None:
    async with serving() as server, server.acknowledged() as socket:
        await socket.subscribe("a", query, **variables)
        message = await socket.receive()
        [error] = message["payload"]
        assert (message["type"], message["id"]) == ("error", "a")
        assert error["extensions"]["code"] == code
        await socket.subscribe("a", "{ ready }")
        assert await socket.data("a") == {"ready": True}


async def test_an_error_of_a_field_comes_with_the_data() -> None:
    async with serving() as server, server.acknowledged() as socket:
        await socket.subscribe("a", "subscription { count(range: {to: 1}) { number broken } }")
        message = await socket.receive()
        assert message["payload"]["data"] == {"count": {"number": 1, "broken": None}}
        assert len(message["payload"]["errors"]) == 1
        assert await socket.receive() == {"id": "a", "type": "complete"}


async def test_a_completed_operation_ends_and_its_id_can_be_used_again() -> None:
    async with serving() as server, server.acknowledged() as socket:
        await socket.send({"id": "nothing", "type": "complete"})
        await socket.subscribe("a", FOREVER)
        assert await socket.data("a") == {"forever": 1}
        await socket.send({"id": "a", "type": "complete"}, {"id": "a", "type": "complete"})
        await socket.subscribe("a", "{ ready }")
        assert await socket.data("a") == {"ready": True}
        assert server.counter.closed == 1


async def test_operations_run_concurrently() -> None:
    async with serving() as server, server.acknowledged() as socket:
        for name in "ab":
            await socket.subscribe(name, FOREVER)
            assert await socket.data(name) == {"forever": 1}
        await socket.subscribe("c", "{ ready }")
        assert await socket.data("c") == {"ready": True}


async def test_an_operation_above_the_limit_is_refused_and_the_others_continue() -> None:
    limits = replace(STREAM_LIMITS, socket_operations=1)
    async with serving(limits) as server, server.acknowledged() as socket:
        await socket.subscribe("a", FOREVER)
        assert await socket.data("a") == {"forever": 1}
        await socket.subscribe("b", "{ ready }")
        message = await socket.receive()
        [error] = message["payload"]
        assert (message["type"], message["id"]) == ("error", "b")
        assert error["extensions"]["limit"] == "socket_operations"
        await socket.send({"id": "a", "type": "complete"})
        await socket.subscribe("b", "{ ready }")
        assert await socket.data("b") == {"ready": True}


async def test_a_socket_counts_as_one_request_of_its_viewer() -> None:
    limits = replace(HTTP_LIMITS, viewer_requests=1)
    async with (
        serving(http_limits=limits) as server,
        server.acknowledged(),
        server.socket() as second,
    ):
        await second.send(INIT)
        code, reason = await second.closed()
        assert (code, "wait for one of them" in reason) == (4429, True)
    async with serving(http_limits=limits) as server:
        for _ in range(2):
            async with server.acknowledged():
                pass
            await server.wait_until_idle()


async def test_an_operation_counts_as_one_request_of_its_viewer() -> None:
    limits = replace(HTTP_LIMITS, viewer_rate=0.001, viewer_burst=1)
    async with serving(http_limits=limits) as server, server.acknowledged() as socket:
        await socket.subscribe("a", FOREVER)
        assert await socket.data("a") == {"forever": 1}
        await socket.subscribe("b", "{ ready }")
        [error] = (await socket.receive())["payload"]
        assert error["extensions"]["code"] == "too_many_requests"


async def test_operations_that_arrive_together_do_not_exceed_the_budget_together() -> None:
    count = 40
    limits = replace(HTTP_LIMITS, viewer_rate=0.001, viewer_burst=count + 2)
    too_many_fields = " ".join(f"wings{number}" for number in range(1_900))
    async with serving(http_limits=limits) as server, server.acknowledged() as socket:
        for number in range(count):
            await socket.subscribe(f"{number}", f"{{ {too_many_fields} }} #{number}")
        errors = [(await socket.receive())["payload"][0] for _ in range(count)]
    codes = [each["extensions"]["code"] for each in errors]
    assert set(codes) == {"limit_exceeded", "too_many_requests"}


async def operation_started(server: StreamServer) -> None:
    """Wait until one more operation has started."""
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await server.counter.begun.acquire()


@pytest.mark.parametrize("query", ["{ held }", "mutation { hold }"])
async def test_queries_and_mutations_in_sockets_count_as_concurrent_requests(
    query: str,
) -> None:
    limits = replace(HTTP_LIMITS, viewer_requests=4)
    async with (
        serving(http_limits=limits) as server,
        server.acknowledged() as one,
        server.acknowledged() as other,
    ):
        for name in "ab":
            await one.subscribe(name, query)
            await operation_started(server)
        for socket in (one, other):
            await socket.subscribe("c", "{ ready }")
            message = await socket.receive()
            [error] = message["payload"]
            assert (message["type"], message["id"]) == ("error", "c")
            assert error["extensions"]["code"] == "too_many_requests"
            assert error["extensions"]["limit"] == "viewer_requests"
        await other.subscribe("d", FOREVER)
        assert await other.data("d") == {"forever": 1}
        server.counter.gate.set()
        ended = [await one.receive() for _ in range(4)]
        assert sorted(each["type"] for each in ended) == ["complete", "complete", "next", "next"]
        await other.subscribe("c", "{ ready }")
        assert await other.data("c") == {"ready": True}


async def test_a_completed_operation_no_longer_counts_as_a_concurrent_request() -> None:
    limits = replace(HTTP_LIMITS, viewer_requests=2)
    async with serving(http_limits=limits) as server, server.acknowledged() as socket:
        for _ in range(3):
            await socket.subscribe("a", "{ held }")
            await operation_started(server)
            await socket.send({"id": "a", "type": "complete"})
        await socket.subscribe("a", "{ ready }")
        assert await socket.data("a") == {"ready": True}


async def test_the_operations_of_a_disconnected_client_end() -> None:
    async with serving() as server:
        async with server.acknowledged() as socket:
            for name in "ab":
                await socket.subscribe(name, FOREVER)
                await socket.data(name)
        await server.wait_until_idle()
        assert server.counter.closed == 2


async def test_a_client_that_reads_nothing_is_disconnected_before_memory_fills() -> None:
    limits = replace(STREAM_LIMITS, send_seconds=0.2)
    async with serving(limits) as server, server.acknowledged() as socket:
        await socket.subscribe("a", "subscription { flood }")
        await server.wait_until_idle()
        assert server.counter.closed == 1
        assert server.counter.drops < 1_000  # of 100 KB each, most of them in kernel buffers


async def test_an_internal_error_closes_the_socket_and_ends_all_operations() -> None:
    async with serving() as server, server.acknowledged() as socket:
        await socket.subscribe("a", FOREVER)
        await socket.data("a")
        await socket.subscribe("b", "{ unspeakable }")
        assert await socket.closed() == (4500, "Internal error")
        await server.wait_until_idle()
    assert server.counter.closed == 1


async def test_a_client_that_answers_no_ping_is_disconnected() -> None:
    limits = replace(STREAM_LIMITS, heartbeat_seconds=0.05, initialisation_seconds=3_600)
    async with (
        serving(limits) as server,
        server.socket(),
    ):  # a client that reads nothing answers no ping
        assert len(server.sessions) == 1
        await server.wait_until_idle()


def test_the_documentation_lists_every_close_code() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d{4}) \|", PAGE, re.MULTILINE)}
    assert listed == {*CloseCode, aiohttp.WSCloseCode.MESSAGE_TOO_BIG}
