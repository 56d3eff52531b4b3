"""How many connections can be open: of a server, and of one address."""

import sys
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from ipaddress import ip_network
from typing import Final

import pytest
from structlog.testing import capture_logs

from api.http.addresses import Network
from api.http.app_keys import CONNECTIONS
from api.http.application import AccessControl, build_application
from api.http.connections import Connections, TooManyConnections
from api.http.server import ServerOptions, listening
from api.limits import (
    CONNECTION_WARNING_SECONDS,
    EVICTED_CONNECTIONS,
    IDLE_SEARCH_SECONDS,
    RESERVED_DESCRIPTORS,
    ConnectionLimits,
)
from api.rest.health import probe_routes
from tests.support.api_client import TOKENS
from tests.support.raw_http import RawConnection, head, raw_connection
from tests.support.server_process import ready

FEW: Final = ConnectionLimits(connections=8, address_connections=2)
HERE: Final = "127.0.0.1"
ELSEWHERE: Final = "127.0.0.2"
"""Another address of this machine, which Linux has without configuration."""
other_addresses: Final = pytest.mark.skipif(
    sys.platform != "linux", reason="the machine has only one address"
)


@dataclass(eq=False)
class Opened:
    """A connection that has a request in progress, unless it is idle."""

    is_idle: bool = False
    first_byte_at: float = 0.0
    is_closed: bool = False

    def force_close(self) -> None:
        self.is_idle, self.is_closed = False, True


def opened(connections: Connections, addresses: Iterable[str]) -> str:
    """Open connections; return the limit that refuses one, or an empty text."""
    try:
        for address in addresses:
            connections.open(Opened(), address)
    except TooManyConnections as error:
        return str(error.details["limit"])
    return ""


@dataclass(frozen=True, slots=True)
class Row:
    """Connections that are opened one after the other, and the limit that the last one exceeds."""

    addresses: list[str]
    refused_by: str
    limits: ConnectionLimits = FEW
    trusted: tuple[Network, ...] = ()


PROXY: Final = (ip_network("10.0.0.0/8"),)
ROWS: Final = {
    "as many as one address can have": Row(["1.2.3.4"] * 2, ""),
    "more of one address": Row(["1.2.3.4"] * 3, "address_connections"),
    "of two addresses": Row(["1.2.3.4"] * 2 + ["1.2.3.5"] * 2, ""),
    "of one IPv6 network": Row([f"2001:db8::{n}" for n in range(3)], "address_connections"),
    "of two IPv6 networks": Row([f"2001:db8:0:{n}::1" for n in range(3)], ""),
    "of one address in both forms": Row(
        ["1.2.3.4", "::ffff:1.2.3.4", "1.2.3.4"], "address_connections"
    ),
    "of a trusted proxy": Row(["10.0.0.1"] * 8, "", trusted=PROXY),
    "more of a trusted proxy": Row(["10.0.0.1"] * 9, "connections", trusted=PROXY),
    "more of many addresses": Row([f"1.2.3.{n}" for n in range(9)], "connections"),
    "half of all of one address": Row(
        ["1.2.3.4"] * 4, "", ConnectionLimits(connections=8, address_connections=9)
    ),
    "more than half of all": Row(
        ["1.2.3.4"] * 5, "address_connections", ConnectionLimits(8, address_connections=9)
    ),
    "the only one": Row(["1.2.3.4"], "", ConnectionLimits(connections=1)),
}


@pytest.mark.parametrize("row", ROWS.values(), ids=ROWS)
def test_connections_beyond_a_limit_are_refused(row: Row) -> None:
    assert opened(Connections(row.limits, row.trusted), row.addresses) == row.refused_by


def test_a_closed_connection_is_not_counted() -> None:
    connections = Connections(ConnectionLimits(connections=2, address_connections=1))
    for _ in range(3):
        connection = Opened()
        connections.open(connection, "1.2.3.4")
        connections.close(connection)
    assert opened(connections, ["1.2.3.4"]) == ""
    assert connections.count == 1


DESCRIPTORS: Final = {
    "enough": (1_000 + RESERVED_DESCRIPTORS, 1_000, False),
    "too few": (999 + RESERVED_DESCRIPTORS, 999, True),
    "fewer than are reserved": (100, 50, True),
}


@pytest.mark.parametrize(
    ("descriptors", "bound", "is_logged"), DESCRIPTORS.values(), ids=DESCRIPTORS
)
def test_connections_leave_descriptors_for_everything_else(
    descriptors: int,
    bound: int,
    is_logged: bool,  # noqa: FBT001 - a row
) -> None:
    connections = Connections(ConnectionLimits(connections=1_000))
    with capture_logs() as lines:
        connections.fit(descriptors)
    assert [line["connections"] for line in lines] == [bound] * is_logged
    assert opened(connections, [f"10.0.{n // 256}.{n % 256}" for n in range(bound)]) == ""
    assert opened(connections, ["1.2.3.4"]) == "connections"


def test_refusals_are_logged_once_in_a_while() -> None:
    now = [1_000.0]
    connections = Connections(ConnectionLimits(connections=1), clock=lambda: now[0])
    connections.open(Opened(), HERE)
    with capture_logs() as lines:
        for seconds in (0, 1, CONNECTION_WARNING_SECONDS):
            now[0] += seconds
            opened(connections, [ELSEWHERE])
    assert [(line["log_level"], line["limit"]) for line in lines] == [
        ("warning", "connections"),
        ("warning", "connections"),
    ]


@dataclass
class FullServer:
    """A server with as many connections as it can have, all from different addresses."""

    idle: int
    now: float = 1_000.0

    def __post_init__(self) -> None:
        size = 2 * EVICTED_CONNECTIONS
        self.connections = Connections(ConnectionLimits(size), clock=lambda: self.now)
        self.opened = [Opened(is_idle=n < self.idle, first_byte_at=size - n) for n in range(size)]
        for number, each in enumerate(self.opened):
            self.connections.open(each, f"10.0.0.{number}")

    def admits(self) -> bool:
        return opened(self.connections, [HERE]) == ""

    @property
    def closed(self) -> list[int]:
        return [number for number, each in enumerate(self.opened) if each.is_closed]


@pytest.mark.parametrize("idle", [1, EVICTED_CONNECTIONS - 1, EVICTED_CONNECTIONS])
def test_idle_connections_make_room(idle: int) -> None:
    server = FullServer(idle)
    assert server.admits()
    assert server.closed == list(range(idle))


def test_connections_that_are_idle_the_longest_are_closed_first() -> None:
    server = FullServer(idle=2 * EVICTED_CONNECTIONS)
    assert server.admits()
    assert server.closed == list(range(EVICTED_CONNECTIONS, 2 * EVICTED_CONNECTIONS))


def test_as_many_connections_are_admitted_as_are_closed() -> None:
    server = FullServer(idle=3)
    assert [server.admits() for _ in range(4)] == [True, True, True, False]
    for number in server.closed:
        server.connections.close(server.opened[number])
    assert server.connections.count == len(server.opened)
    assert not server.admits()


def test_idle_connections_are_searched_again_only_after_a_while() -> None:
    server = FullServer(idle=0)
    assert not server.admits()
    server.opened[0].is_idle = True
    assert not server.admits()
    server.now += IDLE_SEARCH_SECONDS
    assert server.admits()


@asynccontextmanager
async def serving(
    limits: ConnectionLimits, trusted: tuple[Network, ...] = ()
) -> AsyncIterator[tuple[str, Connections]]:
    access = AccessControl(TOKENS, connection_limits=limits, trusted_proxies=trusted)
    application = build_application(probe_routes(ready), access)
    async with listening(application, ServerOptions()) as url:
        yield url, application[CONNECTIONS]


async def is_served(connection: RawConnection) -> bool:
    await connection.send(head("GET /livez"))
    return (await connection.read_response()).status == 200


@other_addresses
async def test_a_connection_too_many_gets_a_problem_document() -> None:
    async with (
        serving(ConnectionLimits(connections=4, address_connections=1)) as (url, _),
        raw_connection(url) as first,
        raw_connection(url) as second,
        raw_connection(url, ELSEWHERE) as other,
    ):
        response = await second.read_response()
        assert (response.status, response.problem["code"]) == (503, "too_many_connections")
        assert response.problem["limit"] == "address_connections"
        assert response.headers["Retry-After"] == str(response.problem["retryAfter"])
        assert response.headers["Connection"] == "close"
        assert await second.read_rest() == b""
        assert await is_served(first)
        assert await is_served(other)


async def test_a_refused_client_that_sends_requests_is_disconnected() -> None:
    with capture_logs() as lines:
        async with (
            serving(ConnectionLimits(connections=1)) as (url, connections),
            raw_connection(url),
            raw_connection(url) as refused,
        ):
            with suppress(ConnectionError):
                await refused.send(head("GET /livez") * 100)
                await refused.read_rest()
            assert connections.count == 1
    assert [line["event"] for line in lines] == ["connections refused"]


@other_addresses
async def test_a_client_that_sends_a_request_is_served_instead_of_idle_ones() -> None:
    async with (
        serving(ConnectionLimits(connections=2)) as (url, connections),
        raw_connection(url) as idle,
        raw_connection(url, ELSEWHERE) as half,
        raw_connection(url, "127.0.0.3") as client,
    ):
        await half.send(b"GET")
        assert await is_served(client)
        assert await idle.read_rest() == b""
        assert await half.read_rest() == b""
        assert connections.count == 1


async def test_metrics_count_open_evicted_and_refused_connections() -> None:
    async with (
        serving(ConnectionLimits(connections=2)) as (url, _),
        raw_connection(url) as observer,
        raw_connection(url) as refused,
    ):
        await refused.read_rest()
        await observer.send(head("GET /metrics"))
        metrics = (await observer.read_response()).body.decode()
    assert "interlock_http_connections 1.0" in metrics
    assert "interlock_http_connections_evicted_total 0.0" in metrics
    assert 'interlock_http_connections_refused_total{limit="address_connections"} 1.0' in metrics
