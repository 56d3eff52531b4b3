"""A request reaches only allowed addresses, and ends."""

import asyncio
import socket
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.test_utils import TestServer, unused_port
from yarl import URL

from api.webhooks.client import open_session, post_event, request_url
from engine.webhooks.ip_ranges import AddressScope
from engine.webhooks.retry_policy import AttemptResult, Failure
from tests.support.webhook_receiver import Receiver

NOT_ALLOWED = AttemptResult(Failure.ADDRESS_NOT_ALLOWED)


@dataclass
class Resolver(AbstractResolver):
    """Resolves any name to the first addresses at first, then to the second, and so on."""

    addresses: list[list[str]]
    resolved: list[str] = field(default_factory=list)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.resolved.append(host)
        addresses = self.addresses[min(len(self.resolved), len(self.addresses)) - 1]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else family or socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None: ...


async def request(url: str, scope: AddressScope, resolver: Resolver | None = None) -> AttemptResult:
    async with open_session(scope, resolver) as session:
        return await post_event(session, url, {}, b"{}")


ADDRESSES = [
    *("127.0.0.1", "10.0.0.1", "192.168.0.1", "172.31.255.255", "169.254.169.254", "0.0.0.0"),  # noqa: S104
    *("::1", "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1"),
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_name_with_a_private_address_is_not_called(address: str) -> None:
    resolver = Resolver([[address]])
    result = await request("https://hooks.example.com/", AddressScope.PUBLIC, resolver)
    assert (result, resolver.resolved) == (NOT_ALLOWED, ["hooks.example.com"])


async def test_a_name_with_several_private_addresses_is_not_called() -> None:
    resolver = Resolver([["127.0.0.1", "::1", "10.0.0.1"]])
    assert await request("https://hooks.example.com/", AddressScope.PUBLIC, resolver) == NOT_ALLOWED


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_private_address_is_not_called(receiver: Receiver, scheme: str) -> None:
    url = URL(receiver.url).with_scheme(scheme)
    assert await request(str(url), AddressScope.PUBLIC) == NOT_ALLOWED
    assert await request("https://[::ffff:127.0.0.1]/", AddressScope.PUBLIC) == NOT_ALLOWED
    assert receiver.received == []


METADATA_SERVICES = [
    *("169.254.169.254", "169.254.170.2", "168.63.129.16", "100.100.100.200", "192.0.0.192"),
    *("fd00:ec2::254", "fd20:ce::254", "fd00:c1::a9fe:a9fe", "fd00:42::42", "fe80::a9fe:a9fe"),
    *("::ffff:168.63.129.16", "64:ff9b::a83f:8110", "64:ff9b:1::a9fe:a9fe", "2002:a83f:8110::"),
]
FORBIDDEN = ["0.0.0.0", "::", "fe80::1", "224.0.0.1", *METADATA_SERVICES]  # noqa: S104


@pytest.mark.parametrize("scope", AddressScope)
@pytest.mark.parametrize("address", FORBIDDEN)
async def test_forbidden_addresses_are_never_called(address: str, scope: AddressScope) -> None:
    host = f"[{address}]" if ":" in address else address
    resolver = Resolver([[address]])
    assert await request("https://chat.internal/", scope, resolver) == NOT_ALLOWED
    assert await request(f"https://{host}/", scope) == NOT_ALLOWED


async def test_a_name_that_changes_its_address_is_checked_each_time(
    receiver: Receiver,
) -> None:
    url = str(URL(receiver.url).with_host("chat.internal"))
    resolver = Resolver([["127.0.0.1"], ["169.254.169.254"]])
    assert await request(url, AddressScope.PRIVATE, resolver) == AttemptResult(204)
    assert await request(url, AddressScope.PRIVATE, resolver) == NOT_ALLOWED
    assert len(receiver.received) == 1
    assert len(resolver.resolved) == 2  # no name is resolved again after the check


async def test_an_allowed_private_host_is_called(receiver: Receiver) -> None:
    assert await request(receiver.url, AddressScope.PRIVATE) == AttemptResult(204)
    assert receiver.received[0].body == b"{}"


async def test_a_request_without_a_response_times_out(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.webhooks.client.REQUEST_SECONDS", 0.01)
    receiver.hold = asyncio.Event()
    assert await request(receiver.url, AddressScope.PRIVATE) == AttemptResult(Failure.TIMEOUT)
    receiver.hold.set()


async def test_a_closed_port_and_a_port_without_tls_are_distinguished(receiver: Receiver) -> None:
    closed = f"http://127.0.0.1:{unused_port()}/"
    assert await request(closed, AddressScope.PRIVATE) == AttemptResult(Failure.NO_CONNECTION)
    without_tls = str(URL(receiver.url).with_scheme("https"))
    assert await request(without_tls, AddressScope.PRIVATE) == AttemptResult(Failure.TLS_FAILED)


Handler = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def send_smtp(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com ESMTP\r\n")
    writer.close()


async def close(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def send_endless_body(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"{}")
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    with suppress(ConnectionError):
        while True:
            writer.write(b"x" * 65_536)
            await writer.drain()


async def send_long_headers(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.readuntil(b"{}")
    writer.write(b"HTTP/1.1 200 OK\r\nx: " + b"x" * 100_000 + b"\r\n\r\n")
    writer.close()


HANDLERS: dict[str, tuple[Handler, AttemptResult]] = {
    "another protocol": (send_smtp, AttemptResult(Failure.INVALID_RESPONSE)),
    "no response": (close, AttemptResult(Failure.NO_CONNECTION)),
    "an endless body": (send_endless_body, AttemptResult(200)),
    "too long headers": (send_long_headers, AttemptResult(Failure.INVALID_RESPONSE)),
}


@pytest.mark.parametrize(("handler", "result"), HANDLERS.values(), ids=HANDLERS)
async def test_any_response_has_a_result(handler: Handler, result: AttemptResult) -> None:
    server = await asyncio.start_server(handler, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await request(f"http://127.0.0.1:{port}/", AddressScope.PRIVATE) == result


async def test_a_redirect_to_a_private_address_is_not_followed(receiver: Receiver) -> None:
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": receiver.url})

    application = web.Application()
    application.router.add_post("/", redirect)
    async with TestServer(application) as server:
        assert await request(str(server.make_url("/")), AddressScope.PRIVATE) == AttemptResult(307)
    assert receiver.received == []


URLS = {
    "HTTPS://Hooks.Example.com": "https://hooks.example.com/",
    "https://hooks.example.com:443/a%2Fb?c=%20d&e": "https://hooks.example.com/a%2Fb?c=%20d&e",
    "https://hooks.example.com/../a/./b": "https://hooks.example.com/../a/./b",
    "http://[::1]:81/": "http://[::1]:81/",
}


@pytest.mark.parametrize(("text", "url"), URLS.items())
def test_a_url_is_requested_as_declared(text: str, url: str) -> None:
    assert str(request_url(text)) == url
