"""Limits that can be set: documented with their bounds, and heeded by every door."""

import asyncio
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import Final

import pytest

from api.bootstrap.engine import Engine
from api.limits import Limits
from api.limits_setting import LIMIT_NAMES, read_limits
from api.settings import Settings
from tests.api.graphql.resolvers.test_tickets import opened
from tests.support.api_client import Api, Client, bearer
from tests.support.declared_resources import put
from tests.support.lock_gates import PATIENCE_SECONDS
from tests.support.paths import DOCS
from tests.support.personas import ADA, ANNA
from tests.support.streams import SUBPROTOCOL
from tests.support.webhook_deliveries import webhook

PAGE = (DOCS / "limits.md").read_text("utf-8")
ROW = re.compile(r"^\| `(\w+)` \| (\S+) \|", re.MULTILINE)


def test_the_page_on_limits_lists_every_limit_with_its_bound() -> None:
    groups = asdict(Limits()).values()
    bounds = {name: bound for group in groups for name, bound in group.items()}
    assert {name: float(bound) for name, bound in ROW.findall(PAGE)} == bounds


WORKFLOWS: Final = "{ workflows { name } }"
DEEP: Final = "{ tickets { nodes { requester { id } } } }"

# What is set, so low that the server still passes its own check, and a query that is then refused.
REFUSED: dict[str, tuple[str, str]] = {
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
"""What a refusal names, where it is not the limit itself: that to which it belongs."""

# Of each limit, pages of four where three may be.
PAGES: dict[str, tuple[str, ...]] = {
    "page_tickets": ("{ tickets(first: 4) { totalCount } }", "{ tickets(last: 4) { totalCount } }"),
    "page_services": ("{ services(first: 4) { path } }",),
    "page_history": (
        '{ ticket(id: "ID") { history(first: 4) { nodes { seq } } } }',
        '{ ticket(id: "ID") { history(last: 4) { nodes { seq } } } }',
    ),
    "page_dead_letters": ("{ webhooks { deadLetters(first: 4) { nodes { id } } } }",),
}

INIT: Final[Mapping[str, object]] = {"type": "connection_init", "payload": bearer(ANNA)}
PING: Final[Mapping[str, object]] = {"type": "ping"}
FOLLOW: Final[dict[str, object]] = {
    "type": "subscribe",
    "payload": {"query": "subscription { workflowsChanged { position } }"},
}

# What is set, what a client then sends, and what it hears of the limit.
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

ALONE: Final = {"viewer_requests", "reported_errors", "execution_seconds"}
"""What has a test of its own below."""

UNSEEN: Final = {
    "prepared_documents": "what is kept ready differs from what is not in memory and time alone",
    "prepared_documents_bytes": "the same",
    "validation_seconds": "what any document exceeds would refuse the server's own check, too",
    "waiting_changes": "a reader gets behind only by what buffers of the kernel do not take",
    "send_seconds": "the same",
    "close_seconds": "who does not close is not told that it is let go",
}
"""What can't be seen from outside, and why."""


def test_every_limit_is_shown_to_reach_its_door_or_can_not_be() -> None:
    shown = [*REFUSED, *PAGES, *SOCKETS, *ALONE, *UNSEEN]
    assert sorted(shown) == sorted(LIMIT_NAMES)


async def posted(client: Client, query: str) -> str:
    body = {"query": query}
    async with client.post("/graphql", json=body, headers=bearer(ANNA)) as answer:
        return await answer.text()


class TestWithOthers:
    """A server whose limits are set."""

    @pytest.fixture
    def settings(self, settings: Settings, limits: str) -> Settings:
        return settings.model_copy(update={"limits": read_limits(limits)})

    @pytest.mark.parametrize(
        ("limit", "limits", "query"), [(name, *row) for name, row in REFUSED.items()], ids=REFUSED
    )
    async def test_what_is_above_them_is_refused_by_their_names(
        self, client: Client, limit: str, query: str
    ) -> None:
        await posted(client, query)
        told = await posted(client, query)
        assert f'"limit":"{NAMED.get(limit, limit)}"' in told.replace(": ", ":")

    @pytest.mark.parametrize(
        ("limits", "limit", "query"),
        [(f"{limit}=3", limit, query) for limit, queries in PAGES.items() for query in queries],
    )
    async def test_a_page_is_no_larger(
        self, api: Api, engine: Engine, limit: str, query: str
    ) -> None:
        await put(engine.database, [webhook("chat")])
        [error] = (await api.ask(ADA, query.replace("ID", await opened(api))))["errors"]
        assert "must be 1 to 3, not 4." in error["message"]
        refused = error["extensions"]
        assert (refused["code"], refused["status"]) == ("limit_exceeded", 422)
        assert (refused["limit"], refused["bound"], refused["found"]) == (limit, 3, 4)

    @pytest.mark.parametrize("limits", ["page_tickets=3"])
    async def test_a_page_of_no_given_size_fits(self, api: Api) -> None:
        assert await api.data(ANNA, "{ tickets { totalCount } }") == {"tickets": {"totalCount": 0}}

    @pytest.mark.parametrize(("limits", "sent", "heard"), SOCKETS.values(), ids=SOCKETS)
    async def test_sockets_heed_them(
        self, client: Client, sent: list[Mapping[str, object]], heard: str
    ) -> None:
        told = ""
        async with (
            asyncio.timeout(PATIENCE_SECONDS),
            client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,), autoping=False) as socket,
        ):
            for each in sent:
                await socket.send_json(each)
            while heard not in told:
                message = await socket.receive()
                told = f"{message.type.name} {message.data!r} {message.extra}"

    @pytest.mark.parametrize("limits", ["viewer_requests=1"])
    async def test_requests_are_counted_while_they_last(self, client: Client) -> None:
        connecting = client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,))
        async with connecting as socket:
            await socket.send_json(INIT)
            assert await socket.receive_json() == {"type": "connection_ack"}
            assert '"limit":"viewer_requests"' in await posted(client, WORKFLOWS)

    @pytest.mark.parametrize("limits", ["reported_errors=2"])
    async def test_no_more_errors_are_told(self, api: Api) -> None:
        assert len((await api.ask(ANNA, "{ a b c d }"))["errors"]) == 2

    @pytest.mark.parametrize("limits", ["execution_seconds=0.000001"])
    async def test_an_execution_takes_no_longer(self, api: Api) -> None:
        refused = await api.refusal(ANNA, "{ tickets { totalCount } }")
        assert refused["code"] == "deadline_exceeded"
