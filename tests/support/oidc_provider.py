"""An OpenID provider on a local socket that counts the requests for its keys."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from ssl import SSLContext

from aiohttp import web
from aiohttp.test_utils import TestServer

from tests.support.signers import Jwk, jwks

DISCOVERY = "/realms/acme/.well-known/openid-configuration"


@dataclass
class Provider:
    """A provider whose responses a test changes.

    Attributes:
        discovery: its discovery document; None for a valid one.
        responding: responses wait for it.
        requested: set by each request for keys.
        requests: the number of requests for keys.

    """

    server: TestServer
    keys: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    discovery: dict[str, object] | None = None
    responding: asyncio.Event = field(default_factory=asyncio.Event)
    requested: asyncio.Event = field(default_factory=asyncio.Event)
    requests: int = 0

    @property
    def url(self) -> str:
        return str(self.server.make_url("/keys"))

    @property
    def issuer(self) -> str:
        return str(self.server.make_url("/realms/acme"))

    def publish(self, *keys: Jwk) -> None:
        self.keys, self.status = jwks(*keys), 200

    async def send_keys(self, _request: web.Request) -> web.Response:
        self.requests += 1
        self.requested.set()
        await self.responding.wait()
        return web.Response(body=self.keys, status=self.status, headers=self.headers)

    async def send_discovery(self, _request: web.Request) -> web.Response:
        valid = {"issuer": self.issuer, "jwks_uri": self.url}
        return web.json_response(valid if self.discovery is None else self.discovery)


@asynccontextmanager
async def provider(*keys: Jwk, ssl: SSLContext | None = None) -> AsyncIterator[Provider]:
    """Serve these keys during the block."""
    application = web.Application()
    started = Provider(TestServer(application), jwks(*keys))
    started.responding.set()
    application.router.add_get("/keys", started.send_keys)
    application.router.add_get(DISCOVERY, started.send_discovery)
    await started.server.start_server(ssl=ssl)
    try:
        yield started
    finally:
        started.responding.set()
        await started.server.close()
