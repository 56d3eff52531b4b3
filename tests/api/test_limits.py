"""Every limit is documented with its default, can be set, and is applied."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import pytest

from api.bootstrap.engine import EngineHandle
from api.limits import Limits
from api.limits_setting import LIMIT_NAMES, read_limits
from api.settings import Settings
from tests.api.graphql.resolvers.test_tickets import opened
from tests.support.api_client import Api, Client, bearer
from tests.support.declared_resources import put_resources
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.paths import DOCS
from tests.support.personas import ADA, ANNA
from tests.support.streams import SUBPROTOCOL
from tests.support.webhook_deliveries import webhook

PAGE = (DOCS / "limits.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (\S+) \|", re.MULTILINE)


def test_the_limits_page_lists_every_limit_with_its_default() -> None:
    groups = asdict(Limits()).values()
    bounds = {name: bound for group in groups for name, bound in group.items()}
    assert {name: float(bound) for name, bound in ROW.findall(PAGE)} == bounds


WORKFLOWS: Final = "{ workflows { name } }"
DEEP: Final = "{ tickets { nodes { requester { id } } } }"

# A setting that is just high enough for the self-check of the server, and a query that exceeds it.
EXCEEDED: dict[str, tuple[str, str]] = {
    "body_bytes": ("body_bytes=2000", WORKFLOWS + " # " + "x" * 2_000),
    "viewer_rate": ("viewer_rate=0.001 viewer_burst=1", WORKFLOWS),
    "viewer_burst": ("viewer_rate=0.001 viewer_burst=1", WORKFLOWS),
    "address_rate": ("address_rate=0.001 address_burst=1", WORKFLOWS),
    "address_burst": ("address_rate=0.001 address_burst=1", WORKFLOWS),
    "document_bytes": ("document_bytes=100", WORKFLOWS + " " * 100),
    "document_tokens": ("document_tokens=20", "{" + " __typename" * 20 + "}"),
    "document_comments": ("document_comments=1", WORKFLOWS + "\n#\n#\n#"),
    "nesting_levels": ("nesting_levels=3", DEEP),
    "depth_fields": ("depth_fields=2", DEEP),
    "introspection_depth_fields": (
        "introspection_depth_fields=3",
        "{ __schema { types { fields { type { name } } } } }",
    ),
    "aliases": ("aliases=1", "{ a: __typename b: __typename }"),
    "root_fields": ("root_fields=2", "{ a: __typename b: __typename c: __typename }"),
    "directives": (
        "directives=1",
        "{ __typename @skip(if: false) a: __typename @skip(if: false) }",
    ),
    "cost_points": ("cost_points=50", "{ tickets(first: 60) { nodes { id } } }"),
    "assumed_list_items": ("assumed_list_items=10000", "{ webhooks { name } }"),
    "overlap_comparisons": ("overlap_comparisons=5", "{" + " __typename" * 10 + "}"),
}
NAMED: Final = {
    "viewer_burst": "viewer_rate",
    "address_burst": "address_rate",
    "assumed_list_items": "cost_points",
}
"""The limit that an error names if it is a related one."""

# Queries with pages of four items, for a limit of three.
PAGES: dict[str, tuple[str, ...]] = {
    "page_tickets": ("{ tickets(first: 4) { totalCount } }", "{ tickets(last: 4) { totalCount } }"),
    "page_services": ("{ services(first: 4) { path } }",),
    "page_history": (
        '{ ticket(id: "ID") { historyConnection(first: 4) { nodes { seq } } } }',
        '{ ticket(id: "ID") { historyConnection(last: 4) { nodes { seq } } } }',
    ),
    "latest_history": ('{ ticket(id: "ID") { history(last: 4) { seq } } }',),
    "page_users": ("{ people(first: 4) { id } }", "{ groups(first: 4) { name } }"),  # prose: ignore
    "page_dead_letters": ("{ webhooks { deadLetters(first: 4) { nodes { id } } } }",),
}

INIT: Final[Mapping[str, object]] = {"type": "connection_init", "payload": bearer(ANNA)}
PING: Final[Mapping[str, object]] = {"type": "ping"}
FOLLOW: Final[dict[str, object]] = {
    "type": "subscribe",
    "payload": {"query": "subscription { workflowsChanged { position } }"},
}

# A setting, the messages of a client, and a part of the message that the client then gets.
SOCKETS: dict[str, tuple[str, list[Mapping[str, object]], str]] = {
    "heartbeat_seconds": ("heartbeat_seconds=0.05", [], "PING"),
    "message_bytes": ("message_bytes=10", [INIT], "CLOSE 1009"),
    "message_rate": ("message_rate=0.001 message_burst=1", [PING] * 2, "can send 0.001 requests"),
    "message_burst": ("message_rate=0.001 message_burst=1", [PING] * 2, "and 1 at once"),
    "socket_operations": (
        "socket_operations=1",
        [INIT, FOLLOW | {"id": "a"}, FOLLOW | {"id": "b"}],
        '"limit":"socket_operations"',
    ),
    "initialisation_seconds": ("initialisation_seconds=0.05", [], "CLOSE 4408"),
}

TESTED_BELOW: Final = {"viewer_requests", "reported_errors", "request_seconds"}
"""Limits with separate tests below."""

TESTED_ELSEWHERE: Final = {
    "send_seconds": "tests/api/http/test_send_timeout.py",
    "connections": "tests/api/http/test_connections.py",
    "address_connections": "tests/api/http/test_connections.py",
    "head_seconds": "tests/api/http/test_slow_clients.py",
    "body_seconds": "tests/api/http/test_slow_clients.py",
    "idle_seconds": "tests/api/http/test_slow_clients.py",
    "exports": "tests/faults/test_stalled_exports.py",
    "task_failure_seconds": "tests/faults/test_background_tasks.py",
}
"""Limits with tests in other files."""

NOT_OBSERVABLE: Final = {
    "prepared_documents": "the cache only affects memory and time",
    "prepared_documents_bytes": "the same",
    "refused_documents": "the same",
    "validation_seconds": "the self-check of the server would exceed it, too",
    "waiting_changes": "a subscriber only falls behind when the buffers of the kernel are full",
    "wait_seconds": "no request waits here (tests/faults)",
    "connection_waiters": "the same",
    "ticket_waiters": "the same",
    "lock_wait_seconds": "the same",
    "close_seconds": "a client that does not close gets no message",
}
"""Limits whose effect a client cannot observe, and why."""


def test_every_limit_is_tested_or_not_observable() -> None:
    tested = [*EXCEEDED, *PAGES, *SOCKETS, *TESTED_BELOW, *TESTED_ELSEWHERE]
    listed = [*tested, *NOT_OBSERVABLE]
    assert sorted(listed) == sorted(LIMIT_NAMES)


async def post(client: Client, query: str) -> str:
    body = {"query": query}
    async with client.post("/graphql", json=body, headers=bearer(ANNA)) as response:
        return await response.text()


class TestServersWithLimits:
    """Servers whose limits are set."""

    @pytest.fixture
    def settings(self, settings: Settings, limits: str) -> Settings:
        return settings.model_copy(update={"limits": read_limits(limits)})

    @pytest.mark.parametrize(
        ("limit", "limits", "query"), [(name, *row) for name, row in EXCEEDED.items()], ids=EXCEEDED
    )
    async def test_a_request_above_a_limit_gets_an_error_with_its_name(
        self, client: Client, limit: str, query: str
    ) -> None:
        await post(client, query)
        received = await post(client, query)
        assert f'"limit":"{NAMED.get(limit, limit)}"' in received.replace(": ", ":")

    @pytest.mark.parametrize(
        ("limits", "limit", "query"),
        [(f"{limit}=3", limit, query) for limit, queries in PAGES.items() for query in queries],
    )
    async def test_a_page_cannot_be_larger_than_its_limit(
        self, api: Api, engine: EngineHandle, limit: str, query: str
    ) -> None:
        await put_resources(engine.database, [webhook("chat")])
        [error] = (await api.ask(ADA, query.replace("ID", await opened(api))))["errors"]
        assert "must be 1 to 3, not 4." in error["message"]
        extensions = error["extensions"]
        assert (extensions["code"], extensions["status"]) == ("limit_exceeded", 422)
        assert (extensions["limit"], extensions["bound"], extensions["found"]) == (limit, 3, 4)

    @pytest.mark.parametrize("limits", ["page_tickets=3"])
    async def test_the_default_size_of_a_page_is_within_its_limit(self, api: Api) -> None:
        assert await api.data(ANNA, "{ tickets { totalCount } }") == {"tickets": {"totalCount": 0}}

    @pytest.mark.parametrize(("limits", "sent", "expected"), SOCKETS.values(), ids=SOCKETS)
    async def test_websockets_apply_their_limits(
        self, client: Client, sent: list[Mapping[str, object]], expected: str
    ) -> None:
        received = ""
        async with (
            asyncio.timeout(TIMEOUT_SECONDS),
            client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,), autoping=False) as socket,
        ):
            for each in sent:
                await socket.send_json(each)
            while expected not in received:
                message = await socket.receive()
                received = f"{message.type.name} {message.data!r} {message.extra}"

    @pytest.mark.parametrize("limits", ["viewer_requests=1"])
    async def test_an_open_websocket_counts_as_a_request(self, client: Client) -> None:
        connecting = client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,))
        async with connecting as socket:
            await socket.send_json(INIT)
            assert await socket.receive_json() == {"type": "connection_ack"}
            assert '"limit":"viewer_requests"' in await post(client, WORKFLOWS)

    @pytest.mark.parametrize("limits", ["reported_errors=2"])
    async def test_the_number_of_reported_errors_is_limited(self, api: Api) -> None:
        assert len((await api.ask(ANNA, "{ a b c d }"))["errors"]) == 2

    @pytest.mark.parametrize("limits", ["request_seconds=0.000001"])
    async def test_an_execution_that_takes_too_long_is_stopped(self, api: Api) -> None:
        extensions = await api.refusal(ANNA, "{ tickets { totalCount } }")
        assert extensions["code"] == "deadline_exceeded"
