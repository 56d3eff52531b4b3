"""graphql-transport-ws to the letter, over a real socket."""

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
from api.limits import CLOCK_LEEWAY_SECONDS, HTTP_LIMITS, STREAM_LIMITS
from tests.support.counting_schema import COUNT
from tests.support.lock_gates import PATIENCE_SECONDS
from tests.support.paths import DOCS
from tests.support.streams import BEARER, Doors, authorization, serving

PAGE = (DOCS / "subscriptions.md").read_text("utf-8")
INIT = {"type": "connection_init", "payload": {"authorization": BEARER["Authorization"]}}
FOREVER = "subscription { forever }"


def subscribing(name: object = "a", **payload: object) -> dict[str, Any]:
    return {"id": name, "type": "subscribe", "payload": payload or {"query": FOREVER}}


def saying(said: object) -> dict[str, Any]:
    return {"type": "connection_init", "payload": {"authorization": said}}


EXPIRED = authorization(-timedelta(seconds=CLOCK_LEEWAY_SECONDS + 1))

# What a client sends, and how the server closes the socket for it.
CLOSED: dict[str, tuple[list[object], int, str]] = {
    "no JSON": (["{"], 4400, "it is not valid JSON"),
    "not an object": (["[]"], 4400, "object"),
    "no type": ([{"id": "a"}], 4400, "type"),
    "an unknown type": ([{"type": "start"}], 4400, "start"),
    "the type of an answer": ([{"type": "connection_ack"}], 4400, "connection_ack"),
    "bytes": ([b"{}"], 4400, "text"),
    "a payload that is none": ([{"type": "ping", "payload": 1}], 4400, "payload"),
    "no id": ([INIT, {"type": "subscribe", "payload": {"query": FOREVER}}], 4400, "id: is missing"),
    "an empty id": ([INIT, subscribing("")], 4400, "id: "),
    "an id that is no text": ([INIT, subscribing(1)], 4400, "id: "),
    "no query": ([INIT, subscribing(variables={})], 4400, "payload: lacks the `query`"),
    "variables that are none": ([INIT, subscribing(query="{", variables=[])], 4400, "variables"),
    "a completion of nothing": ([INIT, {"type": "complete"}], 4400, "id: is missing"),
    "an operation before the acknowledgement": ([subscribing()], 4401, "Unauthorized"),
    "no token": ([{"type": "connection_init"}], 4403, "Forbidden: missing"),
    "a token that is no text": ([saying(1)], 4403, "Forbidden: malformed"),
    "another scheme": ([saying("Basic YTpi")], 4403, "Forbidden: malformed"),
    "a token that was tampered with": (
        [saying(BEARER["Authorization"][:-5] + "AAAAA")],
        4403,
        "Forbidden: bad_signature",
    ),
    "a token that has expired": ([saying(EXPIRED)], 4403, "Forbidden: expired"),
    "a second initialisation": ([INIT, INIT], 4429, "Too many initialisation requests"),
    "an id that is in use": (
        [INIT, subscribing("x"), subscribing("x")],
        4409,
        "Subscriber for x already exists",
    ),
    "an id too long for the reason": (
        [INIT, subscribing("ő" * 200), subscribing("ő" * 200)],
        4409,
        "Subscriber for őőőő",
    ),
}


@pytest.mark.parametrize(("sent", "code", "reason"), CLOSED.values(), ids=CLOSED)
async def test_whoever_breaks_the_protocol_is_closed_with_its_code(
    sent: list[object], code: int, reason: str
) -> None:
    async with serving() as doors, doors.socket() as socket:
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
    assert len(doors.lifetimes) == 0


@pytest.mark.parametrize("protocol", [None, "graphql-ws"])
async def test_another_subprotocol_is_not_acceptable(protocol: str | None) -> None:
    async with serving() as doors, doors.socket(protocol=protocol) as socket:
        assert await socket.closed() == (4406, "Subprotocol not acceptable: graphql-transport-ws")


async def test_whoever_says_nothing_is_not_waited_for() -> None:
    limits = replace(STREAM_LIMITS, initialisation_seconds=0.05)
    async with serving(limits) as doors, doors.socket() as socket:
        assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_a_ping_is_no_initialisation() -> None:
    limits = replace(STREAM_LIMITS, initialisation_seconds=0.2)
    async with serving(limits) as doors, doors.socket() as socket:
        await socket.send({"type": "ping"}, {"type": "pong"})
        assert await socket.receive() == {"type": "pong"}
        assert await socket.closed() == (4408, "Connection initialisation timeout")


async def test_a_connection_ends_with_its_token() -> None:
    about_to_expire = timedelta(seconds=1 - CLOCK_LEEWAY_SECONDS)
    async with serving() as doors, doors.socket() as socket:
        await socket.initialise(authorization(about_to_expire))
        await socket.subscribe("a", FOREVER)
        assert await socket.data("a") == {"forever": 1}
        assert await socket.closed() == (4403, "Forbidden: expired")
    assert doors.counter.closed == 1


async def test_a_server_that_stops_says_so() -> None:
    async with AsyncExitStack() as stack:
        doors = await stack.enter_async_context(serving())
        socket = await stack.enter_async_context(doors.acknowledged())
        silent = await stack.enter_async_context(doors.socket())
        await socket.subscribe("a", FOREVER)
        await socket.data("a")
        stopping = asyncio.create_task(doors.stop())
        assert await socket.closed() == (1001, "Going away")
        assert await silent.closed() == (1001, "Going away")
        await stopping
    assert doors.counter.closed == 1


async def test_too_many_messages_close_the_socket() -> None:
    limits = replace(STREAM_LIMITS, message_burst=5, message_rate=0.001)
    async with serving(limits) as doors, doors.socket() as socket:
        await socket.send(*[{"type": "ping"}] * 6)
        assert [await socket.receive() for _ in range(5)] == [{"type": "pong"}] * 5
        assert await socket.closed() == (
            4429,
            "This socket can send 0.001 requests a second, and 5 at once: wait 1000 s.",
        )


async def test_a_message_that_is_too_large_closes_the_socket() -> None:
    limits = replace(STREAM_LIMITS, message_bytes=1_000)
    async with serving(limits) as doors, doors.socket() as socket:
        await socket.send({"type": "ping", "payload": {"text": "x" * 1_000}})
        assert (await socket.closed())[0] == aiohttp.WSCloseCode.MESSAGE_TOO_BIG


async def test_pings_are_answered_at_any_time_with_what_they_carry() -> None:
    async with serving() as doors, doors.socket() as socket:
        await socket.send({"type": "ping", "payload": {"at": 1}}, {"type": "pong"}, INIT)
        assert await socket.receive() == {"type": "pong", "payload": {"at": 1}}
        assert await socket.receive() == {"type": "connection_ack"}
        await socket.send({"type": "pong", "payload": {}}, {"type": "ping", "payload": None})
        assert await socket.receive() == {"type": "pong"}


@pytest.mark.parametrize("name", ["authorization", "Authorization"])
async def test_the_token_is_said_in_the_first_message(name: str) -> None:
    async with serving() as doors, doors.socket() as socket:
        payload = {name: BEARER["Authorization"], "other": 1}
        await socket.send({"type": "connection_init", "payload": payload})
        assert await socket.receive() == {"type": "connection_ack"}


async def test_the_token_may_stand_in_the_header() -> None:
    async with serving() as doors, doors.socket(headers=BEARER) as socket:
        await socket.send({"type": "connection_init"})
        assert await socket.receive() == {"type": "connection_ack"}


@pytest.mark.parametrize(
    ("query", "data"),
    [("{ ready }", {"ready": True}), ("mutation { touch }", {"touch": 1})],
)
async def test_queries_and_mutations_are_answered_once(query: str, data: dict[str, Any]) -> None:
    async with serving() as doors, doors.acknowledged() as socket:
        await socket.subscribe("a", query)
        assert await socket.data("a") == data
        assert await socket.receive() == {"id": "a", "type": "complete"}


async def test_a_subscription_is_answered_until_it_is_complete_and_its_id_is_free_then() -> None:
    async with serving() as doors, doors.acknowledged() as socket:
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
    async with serving() as doors, doors.acknowledged() as socket:
        await socket.subscribe("a", query, **variables)
        message = await socket.receive()
        [error] = message["payload"]
        assert (message["type"], message["id"]) == ("error", "a")
        assert error["extensions"]["code"] == code
        await socket.subscribe("a", "{ ready }")
        assert await socket.data("a") == {"ready": True}


async def test_an_error_of_a_field_comes_with_the_data() -> None:
    async with serving() as doors, doors.acknowledged() as socket:
        await socket.subscribe("a", "subscription { count(range: {to: 1}) { number broken } }")
        message = await socket.receive()
        assert message["payload"]["data"] == {"count": {"number": 1, "broken": None}}
        assert len(message["payload"]["errors"]) == 1
        assert await socket.receive() == {"id": "a", "type": "complete"}


async def test_a_client_that_completes_hears_no_more_and_may_use_the_id_again() -> None:
    async with serving() as doors, doors.acknowledged() as socket:
        await socket.send({"id": "nothing", "type": "complete"})
        await socket.subscribe("a", FOREVER)
        assert await socket.data("a") == {"forever": 1}
        await socket.send({"id": "a", "type": "complete"}, {"id": "a", "type": "complete"})
        await socket.subscribe("a", "{ ready }")
        assert await socket.data("a") == {"ready": True}
        assert doors.counter.closed == 1


async def test_operations_run_side_by_side() -> None:
    async with serving() as doors, doors.acknowledged() as socket:
        for name in "ab":
            await socket.subscribe(name, FOREVER)
            assert await socket.data(name) == {"forever": 1}
        await socket.subscribe("c", "{ ready }")
        assert await socket.data("c") == {"ready": True}


async def test_one_operation_too_many_is_refused_and_the_others_go_on() -> None:
    limits = replace(STREAM_LIMITS, socket_operations=1)
    async with serving(limits) as doors, doors.acknowledged() as socket:
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


async def test_a_socket_is_one_of_the_requests_of_its_viewer() -> None:
    limits = replace(HTTP_LIMITS, viewer_requests=1)
    async with serving(http_limits=limits) as doors, doors.acknowledged(), doors.socket() as second:
        await second.send(INIT)
        code, reason = await second.closed()
        assert (code, "wait for one of them" in reason) == (4429, True)
    async with serving(http_limits=limits) as doors:
        for _ in range(2):
            async with doors.acknowledged():
                pass
            await doors.deserted()


async def test_an_operation_is_one_of_the_requests_of_its_viewer() -> None:
    limits = replace(HTTP_LIMITS, viewer_rate=0.001, viewer_burst=1)
    async with serving(http_limits=limits) as doors, doors.acknowledged() as socket:
        await socket.subscribe("a", FOREVER)
        assert await socket.data("a") == {"forever": 1}
        await socket.subscribe("b", "{ ready }")
        [error] = (await socket.receive())["payload"]
        assert error["extensions"]["code"] == "too_many_requests"


async def begun(doors: Doors) -> None:
    """Return when one more operation is held."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        await doors.counter.begun.acquire()


@pytest.mark.parametrize("query", ["{ held }", "mutation { hold }"])
async def test_queries_and_mutations_in_sockets_are_requests_under_way_of_their_viewer(
    query: str,
) -> None:
    limits = replace(HTTP_LIMITS, viewer_requests=4)
    async with (
        serving(http_limits=limits) as doors,
        doors.acknowledged() as one,
        doors.acknowledged() as other,
    ):
        for name in "ab":
            await one.subscribe(name, query)
            await begun(doors)
        for socket in (one, other):
            await socket.subscribe("c", "{ ready }")
            message = await socket.receive()
            [error] = message["payload"]
            assert (message["type"], message["id"]) == ("error", "c")
            assert error["extensions"]["code"] == "too_many_requests"
            assert error["extensions"]["limit"] == "viewer_requests"
        await other.subscribe("d", FOREVER)
        assert await other.data("d") == {"forever": 1}
        doors.counter.gate.set()
        ended = [await one.receive() for _ in range(4)]
        assert sorted(each["type"] for each in ended) == ["complete", "complete", "next", "next"]
        await other.subscribe("c", "{ ready }")
        assert await other.data("c") == {"ready": True}


async def test_an_operation_that_is_ended_is_under_way_no_more() -> None:
    limits = replace(HTTP_LIMITS, viewer_requests=2)
    async with serving(http_limits=limits) as doors, doors.acknowledged() as socket:
        for _ in range(3):
            await socket.subscribe("a", "{ held }")
            await begun(doors)
            await socket.send({"id": "a", "type": "complete"})
        await socket.subscribe("a", "{ ready }")
        assert await socket.data("a") == {"ready": True}


async def test_a_client_that_leaves_takes_its_operations_along() -> None:
    async with serving() as doors:
        async with doors.acknowledged() as socket:
            for name in "ab":
                await socket.subscribe(name, FOREVER)
                await socket.data(name)
        await doors.deserted()
        assert doors.counter.closed == 2


async def test_a_client_that_reads_nothing_is_let_go_before_it_fills_the_memory() -> None:
    limits = replace(STREAM_LIMITS, send_seconds=0.2)
    async with serving(limits) as doors, doors.acknowledged() as socket:
        await socket.subscribe("a", "subscription { flood }")
        await doors.deserted()
        assert doors.counter.closed == 1
        assert doors.counter.drops < 1_000  # of 100 KB, most of them in the buffers of the kernel


async def test_a_fault_of_ours_closes_the_socket_and_takes_all_operations_along() -> None:
    async with serving() as doors, doors.acknowledged() as socket:
        await socket.subscribe("a", FOREVER)
        await socket.data("a")
        await socket.subscribe("b", "{ unspeakable }")
        assert await socket.closed() == (4500, "Internal error")
        await doors.deserted()
    assert doors.counter.closed == 1


async def test_a_client_that_has_vanished_is_let_go() -> None:
    limits = replace(STREAM_LIMITS, heartbeat_seconds=0.05, initialisation_seconds=3_600)
    async with serving(limits) as doors, doors.socket():  # who reads nothing answers no ping
        assert len(doors.lifetimes) == 1
        await doors.deserted()


def test_the_page_on_subscriptions_lists_every_code_that_a_socket_is_closed_with() -> None:
    listed = {int(code) for code in re.findall(r"^\| (\d{4}) \|", PAGE, re.MULTILINE)}
    assert listed == {*CloseCode, aiohttp.WSCloseCode.MESSAGE_TOO_BIG}
