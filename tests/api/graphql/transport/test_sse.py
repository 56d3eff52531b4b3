"""Server-sent events: graphql-sse's distinct connections, resumed by the id of an event."""

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
from tests.support.lock_gates import PATIENCE_SECONDS
from tests.support.streams import BEARER, Doors, authorization, serving

PATH = "/graphql/stream"
COMPLETE = {"event": "complete", "data": ""}
RESUMABLE = "subscription { count(range: {to: 3}) { number } }"


@asynccontextmanager
async def streaming(
    doors: Doors, query: str, headers: dict[str, str] | None = None, **variables: object
) -> AsyncIterator[aiohttp.ClientResponse]:
    asked = {"query": query, "variables": variables}
    accepting = BEARER | {"Accept": "text/event-stream"} | (headers or {})
    async with doors.client.post(PATH, json=asked, headers=accepting) as response:
        assert (response.status, response.content_type) == (200, "text/event-stream")
        yield response


async def event(response: aiohttp.ClientResponse) -> dict[str, str]:
    """Return the next event, as an `EventSource` reads it; empty at the end of the stream."""
    fields: dict[str, str] = {}
    async with asyncio.timeout(PATIENCE_SECONDS):
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


def told(one: dict[str, str]) -> Any:  # noqa: ANN401  # of any operation
    assert one["event"] == "next"
    return json.loads(one["data"])


async def test_a_subscription_is_told_event_by_event() -> None:
    async with serving() as doors, streaming(doors, COUNT, to=2) as response:
        *following, last = await events(response)
        assert [(each["id"], told(each)["data"]) for each in following] == [
            ("1", {"count": {"number": 1, "context": "Anna K."}}),
            ("2", {"count": {"number": 2, "context": "Anna K."}}),
        ]
        assert last == COMPLETE
        assert response.headers["Cache-Control"] == "no-store"


async def test_the_id_of_the_last_event_resumes_after_it() -> None:
    async with (
        serving() as doors,
        streaming(doors, RESUMABLE, {"Last-Event-ID": "2"}) as response,
    ):
        following, last = await events(response)
        assert (following["id"], last) == ("3", COMPLETE)


@pytest.mark.parametrize(
    ("query", "data"), [("{ ready }", {"ready": True}), ("mutation { touch }", {"touch": 1})]
)
async def test_other_operations_are_told_as_one_event(query: str, data: dict[str, Any]) -> None:
    async with serving() as doors, streaming(doors, query) as response:
        only, last = await events(response)
        assert (told(only), last) == ({"data": data}, COMPLETE)
        assert "id" not in only


async def test_a_query_may_stand_in_the_address() -> None:
    async with serving() as doors:
        asked = {"query": "query ($a: Boolean!) { ready @include(if: $a) }", "variables": '{"a":1}'}
        wrong, right = asked, asked | {"variables": '{"a":true}'}
        for parameters, data in ((right, {"ready": True}), (wrong, None)):
            async with doors.client.get(PATH, params=parameters, headers=BEARER) as response:
                only, last = await events(response)
                assert (told(only).get("data"), last) == (data, COMPLETE)


REFUSED: dict[str, tuple[object, str]] = {
    "no GraphQL": ({"query": "{"}, "graphql_parse_failed"),
    "not of the schema": ({"query": "{ nothing }"}, "graphql_validation_failed"),
    "no query": ({"variables": {}}, "malformed_request"),
    "a list": ([{"query": "{ ready }"}], "malformed_request"),
}


@pytest.mark.parametrize(("body", "code"), REFUSED.values(), ids=REFUSED)
async def test_what_is_wrong_with_an_operation_is_told_as_an_event(body: object, code: str) -> None:
    async with serving() as doors, doors.client.post(PATH, json=body, headers=BEARER) as response:
        assert response.status == 200
        only, last = await events(response)
        [error] = told(only)["errors"]
        assert (error["extensions"]["code"], last) == (code, COMPLETE)


async def test_a_mutation_by_get_changes_nothing() -> None:
    async with serving() as doors:
        asked = {"query": "mutation { touch }"}
        async with doors.client.get(PATH, params=asked, headers=BEARER) as response:
            only, _ = await events(response)
            assert told(only)["errors"][0]["extensions"]["code"] == "mutation_by_get"
        assert doors.counter.touched == 0


ANSWERED: dict[str, tuple[dict[str, str], int]] = {
    "no token": ({}, 401),
    "an expired token": (
        {"Authorization": authorization(-timedelta(seconds=CLOCK_LEEWAY_SECONDS + 1))},
        401,
    ),
    "no stream is taken": (BEARER | {"Accept": "application/json"}, 406),
    "any type is taken": (BEARER | {"Accept": "*/*"}, 200),
}


@pytest.mark.parametrize(("headers", "status"), ANSWERED.values(), ids=ANSWERED)
async def test_what_is_wrong_with_a_request_is_told_by_its_status(
    headers: dict[str, str], status: int
) -> None:
    async with serving() as doors:
        body = {"query": "{ ready }"}
        async with doors.client.post(PATH, json=body, headers=headers) as response:
            assert response.status == status
            if status != 200:
                assert (await response.json())["errors"]


async def test_signs_of_life_come_while_nothing_happens() -> None:
    limits = replace(STREAM_LIMITS, heartbeat_seconds=0.01)
    async with (
        serving(limits) as doors,
        streaming(doors, "subscription { forever }") as response,
    ):
        assert told(await event(response)) == {"data": {"forever": 1}}
        assert await event(response) == {"": ""}
        assert await event(response) == {"": ""}


async def test_a_client_that_left_is_noticed() -> None:
    limits = replace(STREAM_LIMITS, heartbeat_seconds=0.01)
    async with serving(limits) as doors:
        async with streaming(doors, "subscription { forever }") as response:
            await event(response)
        await doors.deserted()
        assert doors.counter.closed == 1


async def test_a_client_that_reads_nothing_is_let_go_before_it_fills_the_memory() -> None:
    limits = replace(STREAM_LIMITS, send_seconds=0.2)
    async with serving(limits) as doors, streaming(doors, "subscription { flood }"):
        await doors.deserted()
        assert doors.counter.closed == 1
        assert doors.counter.drops < 1_000  # of 100 KB, most of them in the buffers of the kernel


async def test_a_stream_ends_with_its_token() -> None:
    token = {"Authorization": authorization(timedelta(seconds=1 - CLOCK_LEEWAY_SECONDS))}
    async with (
        serving() as doors,
        streaming(doors, "subscription { forever }", token) as response,
    ):
        assert told(await event(response)) == {"data": {"forever": 1}}
        assert await event(response) == {}
        assert doors.counter.closed == 1


async def test_a_server_that_stops_ends_its_streams() -> None:
    async with serving() as doors, streaming(doors, "subscription { forever }") as response:
        await event(response)
        stopping = asyncio.create_task(doors.stop())
        assert await event(response) == {}
        await stopping
        assert doors.counter.closed == 1
