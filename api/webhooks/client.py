"""One call of a receiver: only to addresses that may be called, and never any longer than allowed.

An address is judged where its socket is made, and nothing is resolved after that: so neither a name
that changes what it stands for, nor one that stands for several addresses, leads anywhere else.
"""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from aiohttp import (
    AddrInfoType,
    ClientConnectionError,
    ClientConnectorError,
    ClientError,
    ClientSession,
    ClientSSLError,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver
from yarl import URL

from engine.webhook_urls import parse_webhook_url
from engine.webhooks.ip_ranges import Reach
from engine.webhooks.retry_policy import Failure, WebhookResponse, retry_after

CALL_SECONDS: Final = 15
HEADERS: Final = {"User-Agent": "Interlock"}


class AddressNotAllowedError(OSError):
    """An address may not be called."""

    def __init__(self) -> None:
        super().__init__("the address may not be called")


@dataclass(frozen=True, slots=True)
class Sockets:
    """Makes the sockets of calls that may lead so far, and no others."""

    reach: Reach

    def __call__(self, to: AddrInfoType) -> socket.socket:
        """Return a socket for an address.

        Raises:
            AddressNotAllowedError: it may not be called.

        """
        family, kind, protocol, _, address = to
        if not self.reach.covers(str(address[0])):
            raise AddressNotAllowedError
        return socket.socket(family, kind, protocol)


@asynccontextmanager
async def open_session(
    reach: Reach, resolver: AbstractResolver | None = None
) -> AsyncIterator[ClientSession]:
    """Yield a session for calls of one receiver, which keeps connections for the next call.

    There is no proxy, as the addresses that a proxy calls are nobody's to judge here.
    """
    connector = TCPConnector(socket_factory=Sockets(reach), resolver=resolver, limit=0)
    async with ClientSession(
        connector=connector,
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=CALL_SECONDS),
        headers=HEADERS,
        auto_decompress=False,
        trust_env=False,
    ) as session:
        yield session


async def call(
    session: ClientSession, url: str, headers: Mapping[str, str], body: bytes
) -> WebhookResponse:
    """Send a body, and return what became of it. No redirect is followed, and no answer read."""
    try:
        async with session.post(
            exactly(url), data=body, headers=headers, allow_redirects=False
        ) as response:
            asked = response.headers.get("Retry-After")
            now = datetime.now(UTC)
            return WebhookResponse(response.status, retry_after(response.status, asked, now))
    except (ClientError, TimeoutError) as error:
        return WebhookResponse(failure_of(error))


def exactly(url: str) -> URL:
    """Return a URL with the origin that `parse_webhook_url` finds in its text."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return URL(f"{parse_webhook_url(url)}{parts.path or '/'}{query}", encoded=True)


def failure_of(error: ClientError | TimeoutError) -> Failure:
    """Return why there was no answer."""
    match error:
        case TimeoutError():
            return Failure.TIMEOUT
        case ClientSSLError():
            return Failure.TLS_FAILED
        case ClientConnectorError(os_error=AddressNotAllowedError()):
            return Failure.ADDRESS_NOT_ALLOWED
        case ClientConnectionError():
            return Failure.NO_CONNECTION
        case _:
            return Failure.BROKEN_ANSWER
