"""The streaming server before a schema that counts, and clients that speak their protocols."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import aiohttp
from pydantic import SecretStr

from api.auth.tokens import TokenIssuer
from api.graphql.transport.endpoint import GraphQLEndpoint
from api.graphql.transport.sse import events_routes
from api.graphql.transport.websocket import websocket_route
from api.http.app_keys import DRAIN
from api.http.application import AccessControl, build_application
from api.http.server import ServerOptions, listening
from api.http.stream_sessions import StreamSessions
from api.limits import HTTP_LIMITS, STREAM_LIMITS, HttpLimits, StreamLimits
from api.web.explorer.routes import Explorer
from engine.tickets.actor import Actor
from tests.support.counting_schema import SDL, Counter
from tests.support.executors import build_executor
from tests.support.explorers import file_routes
from tests.support.lock_gates import TIMEOUT_SECONDS

SUBPROTOCOL: Final = "graphql-transport-ws"
TOKENS: Final = TokenIssuer(SecretStr("0123456789abcdef" * 2))
ANNA: Final = Actor("u_b1", "Anna K.")

Message = dict[str, Any]


def authorization(lifetime: timedelta = timedelta(hours=1)) -> str:
    return f"Bearer {TOKENS.issue(ANNA, lifetime)}"


BEARER: Final = {"Authorization": authorization()}


@dataclass
class StreamServer:
    """A server with the streaming transports, and its state."""

    url: str
    client: aiohttp.ClientSession
    counter: Counter
    sessions: StreamSessions
    stop: Callable[[], Coroutine[Any, Any, None]]

    @asynccontextmanager
    async def socket(
        self, *, protocol: str | None = SUBPROTOCOL, headers: dict[str, str] | None = None
    ) -> AsyncIterator["Socket"]:
        protocols = () if protocol is None else (protocol,)
        async with self.client.ws_connect(
            "/graphql/ws", protocols=protocols, headers=headers
        ) as opened:
            yield Socket(opened)

    async def wait_until_idle(self) -> None:
        """Wait until no stream is open."""
        async with asyncio.timeout(TIMEOUT_SECONDS):
            while len(self.sessions):
                async with self.client.get("/livez"):
                    pass

    @asynccontextmanager
    async def acknowledged(self) -> AsyncIterator["Socket"]:
        """Yield an initialised socket."""
        async with self.socket() as socket:
            await socket.initialise(BEARER["Authorization"])
            yield socket


@asynccontextmanager
async def serving(
    limits: StreamLimits = STREAM_LIMITS,
    http_limits: HttpLimits = HTTP_LIMITS,
    explorer: Explorer | None = None,
) -> AsyncIterator[StreamServer]:
    counter = Counter()
    executor = await build_executor(SDL, [counter.resolvers])
    sessions = StreamSessions()

    async def context_for(actor: Actor) -> str:
        await counter.make_context()
        return actor.name

    routes = [
        websocket_route(executor, context_for, sessions, limits),
        *events_routes(executor, context_for, sessions, limits),
    ]
    if explorer:
        endpoint = GraphQLEndpoint(executor, context_for, page=explorer)
        routes += [*endpoint.routes, *file_routes(explorer)]
    application = build_application(routes, AccessControl(TOKENS, limits=http_limits))
    application[DRAIN].on_begin.append(sessions.drain)
    application.on_shutdown.append(sessions.end_all)
    options = ServerOptions(send_seconds=limits.send_seconds)
    # Not aiohttp's test server: it cancels handlers when their client disconnects.
    async with AsyncExitStack() as server:
        url = await server.enter_async_context(listening(application, options))
        async with aiohttp.ClientSession(url) as client:
            yield StreamServer(url, client, counter, sessions, server.aclose)


@dataclass
class Socket:
    """A client of graphql-transport-ws."""

    socket: aiohttp.ClientWebSocketResponse
    received: list[Message] = field(default_factory=list)

    async def send(self, *messages: Message) -> None:
        for message in messages:
            await self.socket.send_str(json.dumps(message))

    async def receive(self) -> Message:
        message = await self.socket.receive(timeout=TIMEOUT_SECONDS)
        assert message.type is aiohttp.WSMsgType.TEXT, (message, self.closing)
        parsed: Message = json.loads(message.data)
        return parsed

    async def initialise(self, authorization: str) -> None:
        await self.send({"type": "connection_init", "payload": {"authorization": authorization}})
        assert await self.receive() == {"type": "connection_ack"}

    async def subscribe(self, name: str, query: str, **variables: object) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"id": name, "type": "subscribe", "payload": payload})

    async def data(self, name: str) -> Message:
        """Return the data of the next message; it must be of this operation, without errors."""
        message = await self.receive()
        assert (message["type"], message["id"]) == ("next", name), message
        assert "errors" not in message["payload"], message
        data: Message = message["payload"]["data"]
        return data

    async def closed(self) -> tuple[int | None, str]:
        """Return the code and the reason of the close frame; ignore messages before it."""
        while True:
            message = await self.socket.receive(timeout=TIMEOUT_SECONDS)
            if message.type in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED}:
                return self.socket.close_code, str(message.extra or "")

    @property
    def closing(self) -> int | None:
        return self.socket.close_code
