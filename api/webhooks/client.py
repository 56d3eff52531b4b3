"""One HTTP request to a receiver: only to allowed addresses, and with a timeout.

The address is checked when its socket is created, and the name is not resolved again after that. So
a name that changes its address, or has several addresses, cannot lead to a forbidden address.
"""

import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
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
from engine.webhooks.ip_ranges import AddressScope
from engine.webhooks.retry_policy import AttemptResult, Failure, parse_retry_after

REQUEST_SECONDS: Final = 15
_HEADERS: Final = {"User-Agent": "Interlock"}


class AddressNotAllowedError(OSError):
    """Webhooks cannot call this address."""


@asynccontextmanager
async def open_session(
    scope: AddressScope, resolver: AbstractResolver | None = None
) -> AsyncIterator[ClientSession]:
    """Yield a session that keeps the connections to one receiver open.

    It uses no proxy, because Interlock cannot check the addresses that a proxy calls.
    """

    def create_socket(info: AddrInfoType) -> socket.socket:
        family, kind, protocol, _, address = info
        if not scope.allows(str(address[0])):
            raise AddressNotAllowedError("the address is not allowed")
        return socket.socket(family, kind, protocol)

    async with ClientSession(
        connector=TCPConnector(socket_factory=create_socket, resolver=resolver, limit=0),
        cookie_jar=DummyCookieJar(),
        timeout=ClientTimeout(total=REQUEST_SECONDS),
        headers=_HEADERS,
        auto_decompress=False,
        trust_env=False,
    ) as session:
        yield session


async def post_event(
    session: ClientSession, url: str, headers: Mapping[str, str], body: bytes
) -> AttemptResult:
    """Send a body and return the result. It follows no redirect and reads no response body."""
    try:
        async with session.post(
            request_url(url), data=body, headers=headers, allow_redirects=False
        ) as response:
            retry_after = parse_retry_after(
                response.status, response.headers.get("Retry-After"), datetime.now(UTC)
            )
            return AttemptResult(response.status, retry_after)
    except (ClientError, TimeoutError) as error:
        return AttemptResult(_failure_of(error))


def request_url(url: str) -> URL:
    """Return a URL with the origin that `parse_webhook_url` returns, whatever yarl would read."""
    parts = urlsplit(url)
    query = f"?{parts.query}" if parts.query else ""
    return URL(f"{parse_webhook_url(url)}{parts.path or '/'}{query}", encoded=True)


def _failure_of(error: ClientError | TimeoutError) -> Failure:
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
            return Failure.INVALID_RESPONSE
