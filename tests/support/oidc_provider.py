"""An OpenID provider on a real socket: what it answers, and how often it was asked."""

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
    """A provider whose answers a test changes."""

    server: TestServer
    keys: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    discovery: dict[str, object] | None = None
    answering: asyncio.Event = field(default_factory=asyncio.Event)
    heard: asyncio.Event = field(default_factory=asyncio.Event)
    asked: int = 0

    @property
    def address(self) -> str:
        return str(self.server.make_url("/keys"))

    @property
    def issuer(self) -> str:
        return str(self.server.make_url("/realms/acme"))

    def publish(self, *keys: Jwk) -> None:
        self.keys, self.status = jwks(*keys), 200

    async def answer_keys(self, _request: web.Request) -> web.Response:
        self.asked += 1
        self.heard.set()
        await self.answering.wait()
        return web.Response(body=self.keys, status=self.status, headers=self.headers)

    async def answer_discovery(self, _request: web.Request) -> web.Response:
        stated = {"issuer": self.issuer, "jwks_uri": self.address}
        return web.json_response(stated if self.discovery is None else self.discovery)


@asynccontextmanager
async def provider(*keys: Jwk, ssl: SSLContext | None = None) -> AsyncIterator[Provider]:
    """Serve these keys for the length of the block."""
    application = web.Application()
    started = Provider(TestServer(application), jwks(*keys))
    started.answering.set()
    application.router.add_get("/keys", started.answer_keys)
    application.router.add_get(DISCOVERY, started.answer_discovery)
    await started.server.start_server(ssl=ssl)
    try:
        yield started
    finally:
        started.answering.set()
        await started.server.close()
