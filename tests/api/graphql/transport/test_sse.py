"""Server-sent events: the distinct connections mode of graphql-sse, resumed by event ids."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import aiohttp
import pytest

from api.limits import CLOCK_LEEWAY_SECONDS, STREAM_LIMITS
from tests.support.counting_schema import COUNT
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.streams import BEARER, StreamServer, authorization, serving

PATH = "/graphql/stream"
COMPLETE = {"event": "complete", "data": ""}
RESUMABLE = "subscription { count(range: {to: 3}) { number } }"


@asynccontextmanager
async def streaming(
    server: StreamServer, query: str, headers: dict[str, str] | None = None, **variables: object
) -> AsyncIterator[aiohttp.ClientResponse]:
    body = {"query": query, "variables": variables}
    accepting = BEARER | {"Accept": "text/event-stream"} | (headers or {})
    async with server.client.post(PATH, json=body, headers=accepting) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        yield response


async def event(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the next event, as an `EventSource` reads it; empty at the end of the stream."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(TIMEOUT_SECONDS):
        while line := (await response.content.readline()).decode().rstrip("\n"):
            name, _, value = line.partition(":")
            fields[name] = value.removeprefix(" ")
    return fields


async def events(response: aiohttp.ClientResponse) -> list[dict[str, str]]:
    """Return all events of a stream that ends."""
    found = []
    while one := await event(response):
        found.append(one)
    return found


def body_of(one: dict[str, str]) -> Any:  # noqa: ANN401  # any JSON
    assert one["event"] == "next"
    return json.loads(one["data"])


async def test_a_subscription_is_answered_event_by_event() -> None:
    async with serving() as server, streaming(server, COUNT, to=2) as response:
        *following, last = await events(response)
        assert [(each["id"], body_of(each)["data"]) for each in following] == [
            ("1", {"count": {"number": 1, "context": "Anna K."}}),
            ("2", {"count": {"number": 2, "context": "Anna K."}}),
        ]
        assert last == COMPLETE
        assert response.headers["Cache-Control"] == "no-store"


async def test_the_last_event_id_resumes_the_subscription() -> None:
    async with (
        serving() as server,
        streaming(server, RESUMABLE, {"Last-Event-ID": "2"}) as response,
    ):
        following, last = await events(response)
        assert (following["id"], last) == ("3", COMPLETE)


@pytest.mark.parametrize(
    ("query", "data"), [("{ ready }", {"ready": True}), ("mutation { touch }", {"touch": 1})]
)
async def test_other_operations_are_answered_with_one_event(
    query: str, data: dict[str, Any]
) -> None:
    async with serving() as server, streaming(server, query) as response:
        only, last = await events(response)
        assert (body_of(only), last) == ({"data": data}, COMPLETE)
        assert "id" not in only


async def test_a_query_can_be_sent_in_the_url() -> None:
    async with serving() as server:
        query = "query ($a: Boolean!) { ready @include(if: $a) }"
        for variables, data in (('{"a":true}', {"ready": True}), ('{"a":1}', None)):
            parameters = {"query": query, "variables": variables}
            async with server.client.get(PATH, params=parameters, headers=BEARER) as response:
                only, last = await events(response)
                assert (body_of(only).get("data"), last) == (data, COMPLETE)


REFUSED: dict[str, tuple[object, str]] = {
    "not GraphQL": ({"query": "{"}, "graphql_parse_failed"),
    "not valid": ({"query": "{ nothing }"}, "graphql_validation_failed"),
    "no query": ({"variables": {}}, "malformed_request"),
    "a list": ([{"query": "{ ready }"}], "malformed_request"),
}


@pytest.mark.parametrize(("body", "code"), REFUSED.values(), ids=REFUSED)
async def test_an_invalid_operation_is_answered_with_an_event(body: object, code: str) -> None:
    async with serving() as server, server.client.post(PATH, json=body, headers=BEARER) as response:
        assert response.status == 200
        only, last = await events(response)
        [error] = body_of(only)["errors"]
        assert (error["extensions"]["code"], last) == (code, COMPLETE)


async def test_a_mutation_by_get_changes_nothing() -> None:
    async with serving() as server:
        parameters = {"query": "mutation { touch }"}
        async with server.client.get(PATH, params=parameters, headers=BEARER) as response:
            only, _ = await events(response)
            assert body_of(only)["errors"][0]["extensions"]["code"] == "mutation_by_get"
        assert server.counter.touched == 0


STATUSES: dict[str, tuple[dict[str, str], int]] = {
    "no token": ({}, 401),
    "an expired token": (
        {"Authorization": authorization(-timedelta(seconds=CLOCK_LEEWAY_SECONDS + 1))},
        401,
    ),
    "event streams not accepted": (BEARER | {"Accept": "application/json"}, 406),
    "any type accepted": (BEARER | {"Accept": "*/*"}, 200),
}


@pytest.mark.parametrize(("headers", "status"), STATUSES.values(), ids=STATUSES)
async def test_an_unacceptable_request_gets_an_error_status(
    headers: dict[str, str], status: int
) -> None:
    async with serving() as server:
        body = {"query": "{ ready }"}
        async with server.client.post(PATH, json=body, headers=headers) as response:
            assert response.status == status
            if status != 200:
                assert (await response.json())["errors"]


async def test_an_idle_stream_gets_keep_alive_comments() -> None:
    limits = replace(STREAM_LIMITS, heartbeat_seconds=0.01)
    async with (
        serving(limits) as server,
        streaming(server, "subscription { forever }") as response,
    ):
        assert body_of(await event(response)) == {"data": {"forever": 1}}
        assert await event(response) == {"": ""}
        assert await event(response) == {"": ""}


async def test_a_disconnected_client_is_detected() -> None:
    limits = replace(STREAM_LIMITS, heartbeat_seconds=0.01)
    async with serving(limits) as server:
        async with streaming(server, "subscription { forever }") as response:
            await event(response)
        await server.wait_until_idle()
        assert server.counter.closed == 1


async def test_a_client_that_reads_nothing_is_disconnected_before_memory_fills() -> None:
    limits = replace(STREAM_LIMITS, send_seconds=0.2)
    async with serving(limits) as server, streaming(server, "subscription { flood }"):
        await server.wait_until_idle()
        assert server.counter.closed == 1
        assert server.counter.drops < 1_000  # of 100 KB each, most of them in kernel buffers


async def test_a_stream_ends_when_its_token_expires() -> None:
    token = {"Authorization": authorization(timedelta(seconds=3 - CLOCK_LEEWAY_SECONDS))}
    async with (
        serving() as server,
        streaming(server, "subscription { forever }", token) as response,
    ):
        assert body_of(await event(response)) == {"data": {"forever": 1}}
        assert await event(response) == {}
        assert server.counter.closed == 1


async def test_a_drain_ends_all_streams_while_the_server_serves_on() -> None:
    async with serving() as server:
        async with streaming(server, "subscription { forever }") as earlier:
            await event(earlier)
            server.sessions.drain(0.01)
            async with streaming(server, "subscription { forever }") as later:
                assert (await events(earlier))[-1] == {"retry": "1000"}
                assert (await events(later))[-1] == {"retry": "1000"}
        async with server.client.get("/livez") as response:
            assert response.status == 404  # which only a serving server answers


async def test_a_stopping_server_ends_its_streams() -> None:
    async with serving() as server, streaming(server, "subscription { forever }") as response:
        await event(response)
        stopping = asyncio.create_task(server.stop())
        assert await event(response) == {"retry": "1000"}
        assert await event(response) == {}
        await stopping
        assert server.counter.closed == 1
