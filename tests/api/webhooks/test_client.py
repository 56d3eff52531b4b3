"""A call leads to addresses that may be called, and nowhere else, and it ends."""

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

from api.webhooks.client import call, exactly, open_session
from engine.webhooks.ip_ranges import Reach
from engine.webhooks.retry_policy import Failure, WebhookResponse
from tests.support.webhook_receiver import Receiver

NOT_ALLOWED = WebhookResponse(Failure.ADDRESS_NOT_ALLOWED)


@dataclass
class Resolver(AbstractResolver):
    """Answers with these addresses: the first time with the first of them, and so on."""

    answers: list[list[str]]
    asked: list[str] = field(default_factory=list)

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        self.asked.append(host)
        addresses = self.answers[min(len(self.asked), len(self.answers)) - 1]
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


async def called(url: str, reach: Reach, resolver: Resolver | None = None) -> WebhookResponse:
    async with open_session(reach, resolver) as session:
        return await call(session, url, {}, b"{}")


ADDRESSES = [
    *("127.0.0.1", "10.0.0.1", "192.168.0.1", "172.31.255.255", "169.254.169.254", "0.0.0.0"),  # noqa: S104
    *("::1", "::", "fe80::1", "fd00::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::a00:1"),
]


@pytest.mark.parametrize("address", ADDRESSES)
async def test_a_name_that_stands_for_an_address_inside_is_not_called(address: str) -> None:
    resolver = Resolver([[address]])
    answer = await called("https://hooks.example.com/", Reach.PUBLIC, resolver)
    assert (answer, resolver.asked) == (NOT_ALLOWED, ["hooks.example.com"])


async def test_a_name_that_stands_for_several_addresses_is_called_at_none_inside() -> None:
    resolver = Resolver([["127.0.0.1", "::1", "10.0.0.1"]])
    assert await called("https://hooks.example.com/", Reach.PUBLIC, resolver) == NOT_ALLOWED


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_address_inside_is_not_called(receiver: Receiver, scheme: str) -> None:
    url = URL(receiver.url).with_scheme(scheme)
    assert await called(str(url), Reach.PUBLIC) == NOT_ALLOWED
    assert await called("https://[::ffff:127.0.0.1]/", Reach.PUBLIC) == NOT_ALLOWED
    assert receiver.received == []


@pytest.mark.parametrize("address", ["169.254.169.254", "0.0.0.0", "::", "fe80::1", "224.0.0.1"])  # noqa: S104
async def test_some_addresses_are_called_by_nobody(address: str) -> None:
    resolver = Resolver([[address]])
    assert await called("http://chat.internal/", Reach.INSIDE, resolver) == NOT_ALLOWED


async def test_a_name_that_changes_what_it_stands_for_is_judged_each_time(
    receiver: Receiver,
) -> None:
    url = str(URL(receiver.url).with_host("chat.internal"))
    resolver = Resolver([["127.0.0.1"], ["169.254.169.254"]])
    assert await called(url, Reach.INSIDE, resolver) == WebhookResponse(204)
    assert await called(url, Reach.INSIDE, resolver) == NOT_ALLOWED
    assert len(receiver.received) == 1
    assert len(resolver.asked) == 2  # nothing is resolved again after it was judged


async def test_a_host_inside_that_may_be_called_is(receiver: Receiver) -> None:
    assert await called(receiver.url, Reach.INSIDE) == WebhookResponse(204)
    assert receiver.received[0].body == b"{}"


async def test_a_receiver_that_does_not_answer_is_left(
    receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.webhooks.client.CALL_SECONDS", 0.01)
    receiver.hold = asyncio.Event()
    assert await called(receiver.url, Reach.INSIDE) == WebhookResponse(Failure.TIMEOUT)
    receiver.hold.set()


async def test_nobody_there_is_told_from_somebody_who_speaks_otherwise(receiver: Receiver) -> None:
    nobody = f"http://127.0.0.1:{unused_port()}/"
    assert await called(nobody, Reach.INSIDE) == WebhookResponse(Failure.NO_CONNECTION)
    without_tls = str(URL(receiver.url).with_scheme("https"))
    assert await called(without_tls, Reach.INSIDE) == WebhookResponse(Failure.TLS_FAILED)


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def babble(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"220 mail.example.com ESMTP\r\n")
    writer.close()


async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.close()


async def go_on_and_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
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


TALKS: dict[str, tuple[Talk, WebhookResponse]] = {
    "another protocol": (babble, WebhookResponse(Failure.BROKEN_ANSWER)),
    "nothing": (hang_up, WebhookResponse(Failure.NO_CONNECTION)),
    "an answer without end": (go_on_and_on, WebhookResponse(200)),
    "headers that are too long": (send_long_headers, WebhookResponse(Failure.BROKEN_ANSWER)),
}


@pytest.mark.parametrize(("talk", "answer"), TALKS.values(), ids=TALKS)
async def test_whatever_a_receiver_says_is_an_answer(talk: Talk, answer: WebhookResponse) -> None:
    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        assert await called(f"http://127.0.0.1:{port}/", Reach.INSIDE) == answer


async def test_a_redirect_to_an_address_inside_is_not_followed(receiver: Receiver) -> None:
    async def redirect(_request: web.Request) -> web.Response:
        return web.Response(status=307, headers={"Location": receiver.url})

    application = web.Application()
    application.router.add_post("/", redirect)
    async with TestServer(application) as server:
        assert await called(str(server.make_url("/")), Reach.INSIDE) == WebhookResponse(307)
    assert receiver.received == []


URLS = {
    "HTTPS://Hooks.Example.com": "https://hooks.example.com/",
    "https://hooks.example.com:443/a%2Fb?c=%20d&e": "https://hooks.example.com/a%2Fb?c=%20d&e",
    "https://hooks.example.com/../a/./b": "https://hooks.example.com/../a/./b",
    "http://[::1]:81/": "http://[::1]:81/",
}


@pytest.mark.parametrize(("text", "url"), URLS.items())
def test_a_url_is_called_as_it_was_written(text: str, url: str) -> None:
    assert str(exactly(text)) == url
