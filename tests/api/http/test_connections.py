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
from api.limits import REFUSAL_WARNING_SECONDS, RESERVED_DESCRIPTORS, ConnectionLimits
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


def opened(connections: Connections, addresses: Iterable[str]) -> str:
    """Open connections; return the limit that refuses one, or an empty text."""
    try:
        for address in addresses:
            connections.open(address)
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
        connections.close(connections.open("1.2.3.4"))
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
    connections.open(HERE)
    with capture_logs() as lines:
        for seconds in (0, 1, REFUSAL_WARNING_SECONDS):
            now[0] += seconds
            opened(connections, [HERE])
    assert [(line["log_level"], line["limit"]) for line in lines] == [
        ("warning", "connections"),
        ("warning", "connections"),
    ]


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
async def test_metrics_count_open_and_refused_connections() -> None:
    async with (
        serving(ConnectionLimits(connections=2)) as (url, _),
        raw_connection(url, ELSEWHERE),
        raw_connection(url) as observer,
        raw_connection(url, "127.0.0.3") as refused,
    ):
        await refused.read_rest()
        await observer.send(head("GET /metrics"))
        metrics = (await observer.read_response()).body.decode()
    assert "interlock_http_connections 2.0" in metrics
    assert 'interlock_http_connections_refused_total{limit="connections"} 1.0' in metrics
