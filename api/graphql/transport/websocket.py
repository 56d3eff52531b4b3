"""`/graphql/ws`: operations of every kind over one socket, in the protocol `graphql-transport-ws`.

A browser sends its cookies along when a foreign page opens a socket, but nobody is known here by a
cookie: whoever opens the socket has to say a token. So there is no origin to check.
"""

import asyncio
from collections.abc import Sequence
from contextlib import ExitStack, aclosing, suppress
from functools import partial
from typing import Final

import orjson
import structlog
from aiohttp import WSMsgType, hdrs, web

from api.auth.errors import bearer_token
from api.graphql.errors import check_limit, response_errors
from api.graphql.executor import GraphQLExecutor, GraphQLRequest
from api.graphql.transport.endpoint import ContextFor
from api.graphql.transport.websocket_messages import (
    SUBPROTOCOL,
    AnyMessage,
    CloseCode,
    Complete,
    ConnectionInit,
    Ping,
    Pong,
    SocketClosed,
    Subscribe,
    close_reason,
    read_message,
)
from api.http.access import ProtectedRoute, allow_anyone
from api.http.app_keys import RATE_LIMITER, TOKENS
from api.http.rate_limiter import TooManyRequests, token_buckets
from api.http.stream_sessions import (
    EndReason,
    StreamEnded,
    StreamSession,
    StreamSessions,
    send_timeout,
)
from api.http.websocket_upgrade import check_handshake
from api.json_encoding import JsonObject
from api.limits import STREAM_LIMITS, StreamLimits
from api.log_context import bind
from engine.errors import InterlockError, Unauthenticated, Unavailable
from engine.tickets.actor import Actor

PATH: Final = "/graphql/ws"
AUTHORIZATION: Final = hdrs.AUTHORIZATION.lower()

ITSELF: Final = "socket"
"""The only client of its own bucket."""

CLOSES: Final = {
    EndReason.NOT_INITIALISED: (
        CloseCode.INITIALISATION_TIMEOUT,
        "Connection initialisation timeout",
    ),
    EndReason.TOKEN_EXPIRED: (CloseCode.FORBIDDEN, "Forbidden: expired"),
    EndReason.KEY_REMOVED: (CloseCode.FORBIDDEN, "Forbidden: unknown_key"),
    EndReason.SERVER_STOPS: (CloseCode.GOING_AWAY, "Going away"),
}
"""How a socket is closed that has lasted as long as it may."""

log: Final = structlog.get_logger(component="websocket")


def websocket_route(
    executor: GraphQLExecutor,
    context_for: ContextFor,
    lifetimes: StreamSessions,
    limits: StreamLimits = STREAM_LIMITS,
) -> ProtectedRoute:
    """Return the route; whoever it is says so in the socket."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            timeout=limits.close_seconds,
            heartbeat=limits.heartbeat_seconds,
            max_msg_size=limits.message_bytes,
            compress=False,  # each socket would keep two windows of 32 KB
        )
        check_handshake(request, socket)
        await socket.prepare(request)
        connection = GraphQLSocket(request, socket, executor, context_for, limits)
        with suppress(ConnectionError):
            await connection.last(lifetimes)
        return socket

    return ProtectedRoute(allow_anyone, web.get(PATH, answer, allow_head=False))


class GraphQLSocket:
    """One socket, from its opening to its end."""

    def __init__(
        self,
        request: web.Request,
        socket: web.WebSocketResponse,
        executor: GraphQLExecutor,
        context_for: ContextFor,
        limits: StreamLimits,
    ) -> None:
        self._request = request
        self._socket = socket
        self._throttle = request.app[RATE_LIMITER]
        self._executor = executor
        self._context_for = context_for
        self._limits = limits
        self._actor: Actor | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._messages = token_buckets("socket", limits.message_rate, limits.message_burst)
        self._shares = ExitStack()

    async def last(self, lifetimes: StreamSessions) -> None:
        """Answer the client until it leaves or has to."""
        try:
            async with lifetimes.open() as lifetime:
                lifetime.expire_after(
                    self._limits.initialisation_seconds, EndReason.NOT_INITIALISED
                )
                with self._shares:
                    await self._converse(lifetime)
        except SocketClosed as closed:
            await self._socket.close(code=closed.code, message=closed.reason)
        except TooManyRequests as refused:
            told = close_reason(refused.message)
            await self._socket.close(code=CloseCode.TOO_MANY, message=told)
        except StreamEnded as ended:
            code, reason = CLOSES[ended.reason]
            await self._socket.close(code=code, message=reason.encode())
        finally:
            await self._stop(tuple(self._operations.values()))

    async def _converse(self, lifetime: StreamSession) -> None:
        if self._socket.ws_protocol != SUBPROTOCOL:
            raise SocketClosed(
                CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, f"Subprotocol not acceptable: {SUBPROTOCOL}"
            )
        async for said in self._socket:
            if said.type is WSMsgType.ERROR:  # and the socket is closed already
                return
            if self._messages is not None:
                self._messages.acquire(ITSELF)
            if said.type is not WSMsgType.TEXT:
                raise SocketClosed(CloseCode.INVALID_MESSAGE, "A message is text.")
            await self._take(read_message(said.data), lifetime)

    async def _take(self, message: AnyMessage, lifetime: StreamSession) -> None:
        match message:
            case ConnectionInit():
                await self._initialise(message, lifetime)
            case Ping():
                payload: JsonObject = {"payload": message.payload} if message.payload else {}
                await self._send({"type": "pong", **payload})
            case Pong():
                pass
            case Subscribe():
                await self._subscribe(message)
            case Complete():
                await self._stop([*filter(None, [self._operations.pop(message.id, None)])])

    async def _initialise(self, message: ConnectionInit, lifetime: StreamSession) -> None:
        if self._actor is not None:
            raise SocketClosed(CloseCode.TOO_MANY, "Too many initialisation requests")
        tokens = self._request.app[TOKENS]
        try:
            token = bearer_token(self._credentials(message))
            self._actor = await tokens.authenticate(token)
        except Unauthenticated as refused:
            reason = refused.details.get("reason")
            raise SocketClosed(CloseCode.FORBIDDEN, f"Forbidden: {reason}") from None
        except Unavailable as error:
            raise SocketClosed(CloseCode.TRY_AGAIN_LATER, error.message) from None
        bind(actor=self._actor.id)
        self._shares.enter_context(self._throttle.concurrency.slot(self._actor.id))
        lifetime.expire_with_token(token, tokens)
        await self._send({"type": "connection_ack"})

    def _credentials(self, message: ConnectionInit) -> Sequence[str]:
        """Return what the client says of itself: in its first message, or else in its headers."""
        said = [
            value if isinstance(value, str) else ""
            for name, value in (message.payload or {}).items()
            if name.lower() == AUTHORIZATION
        ]
        return said or self._request.headers.getall(hdrs.AUTHORIZATION, [])

    async def _subscribe(self, message: Subscribe) -> None:
        if self._actor is None:
            raise SocketClosed(CloseCode.UNAUTHORIZED, "Unauthorized")
        if message.id in self._operations:
            raise SocketClosed(
                CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {message.id} already exists"
            )
        try:
            self._admit_operation(self._actor)
        except InterlockError as refused:
            await self._send(error(message.id, {"errors": response_errors(refused)}))
        else:
            request = message.payload.request(queries_only=False)
            work = self._operate(message.id, request, self._actor)
            self._operations[message.id] = asyncio.create_task(work)

    def _admit_operation(self, actor: Actor) -> None:
        """Return if the client may ask for one more operation; LimitExceeded, TooManyRequests."""
        running = len(self._operations)
        check_limit("socket_operations", self._limits.socket_operations, running + 1)
        if self._throttle.viewers is not None:
            self._throttle.viewers.acquire(actor.id)

    async def _operate(self, name: str, request: GraphQLRequest, actor: Actor) -> None:
        """Answer one operation; then its name is free again."""
        last: JsonObject = {"id": name, "type": "complete"}
        make_context = partial(self._context_for, actor)
        one = self._throttle.concurrency.slot(actor.id)
        try:
            answering = self._executor.stream(request, make_context, in_flight=one)
            async with aclosing(answering) as answers:
                async for answer in answers:
                    if answer.executed:
                        await self._send({"id": name, "type": "next", "payload": answer.body})
                    else:
                        last = error(name, answer.body)
            del self._operations[name]
            await self._send(last)
        except ConnectionError:
            pass  # there is nobody to tell
        except Exception:
            log.exception("operation failed")
            await self._socket.close(code=CloseCode.INTERNAL_ERROR, message=b"Internal error")

    async def _send(self, message: JsonObject) -> None:
        """Send a message; ConnectionError if there is nobody to take it."""
        async with send_timeout(self._limits.send_seconds, self._request):
            await self._socket.send_str(orjson.dumps(message).decode())

    async def _stop(self, operations: Sequence[asyncio.Task[None]]) -> None:
        for operation in operations:
            operation.cancel()
        await asyncio.gather(*operations, return_exceptions=True)


def error(name: str, body: JsonObject) -> JsonObject:
    """Return the message that ends an operation which was not executed, or not to its end."""
    return {"id": name, "type": "error", "payload": body["errors"]}
