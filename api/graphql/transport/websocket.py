"""`/graphql/ws`: operations of every kind over one socket, in the protocol `graphql-transport-ws`.

Cookies do not authenticate a socket: the client has to send a token. So a page of another origin
cannot open a socket as the user of the browser, and the origin is not checked.
"""

import asyncio
from collections.abc import Awaitable, Sequence
from contextlib import ExitStack, aclosing, suppress
from functools import partial
from math import inf
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
from api.http.client_address import client_network
from api.http.rate_limiter import token_buckets
from api.http.stream_sessions import (
    EndReason,
    StreamEnded,
    StreamSession,
    StreamSessions,
)
from api.http.websocket_upgrade import check_handshake
from api.json_encoding import JsonObject
from api.limits import STREAM_LIMITS, UNAUTHENTICATED_MESSAGE_CHARACTERS, StreamLimits
from api.log_context import bind
from engine.errors import InterlockError, TooManyRequests, Unauthenticated, Unavailable
from engine.tickets.actor import Actor

PATH: Final = "/graphql/ws"
_AUTHORIZATION: Final = hdrs.AUTHORIZATION.lower()
_CLIENT: Final = "socket"
"""The only client of a socket's token bucket."""

_CLOSE_FRAMES: Final = {
    EndReason.NOT_INITIALISED: (
        CloseCode.INITIALISATION_TIMEOUT,
        "Connection initialisation timeout",
    ),
    EndReason.TOKEN_EXPIRED: (CloseCode.FORBIDDEN, "Forbidden: expired"),
    EndReason.KEY_REMOVED: (CloseCode.FORBIDDEN, "Forbidden: unknown_key"),
    EndReason.SERVER_STOPS: (CloseCode.GOING_AWAY, "Going away"),
}
"""The code and the reason of the close frame when a session ends."""

log: Final = structlog.get_logger(component="websocket")


def websocket_route(
    executor: GraphQLExecutor,
    context_for: ContextFor,
    sessions: StreamSessions,
    limits: StreamLimits = STREAM_LIMITS,
) -> ProtectedRoute:
    """Return the route of the socket, which authenticates its client by the first message."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse(
            protocols=(SUBPROTOCOL,),
            timeout=limits.close_seconds,
            heartbeat=limits.heartbeat_seconds,
            max_msg_size=limits.message_bytes,
            compress=False,  # a few bytes can decompress to a large message
            autoping=False,  # pings count as messages
        )
        check_handshake(request, socket)
        await socket.prepare(request)
        connection = _GraphQLSocket(request, socket, executor, context_for, limits)
        with suppress(ConnectionError):
            await connection.run(sessions)
        return socket

    return ProtectedRoute(allow_anyone, web.get(PATH, answer, allow_head=False), seconds=inf)


class _GraphQLSocket:
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
        self._rate_limiter = request.app[RATE_LIMITER]
        self._executor = executor
        self._context_for = context_for
        self._limits = limits
        self._actor: Actor | None = None
        self._operations: dict[str, asyncio.Task[None]] = {}
        self._address = client_network(request)
        self._messages = token_buckets("socket", limits.message_rate, limits.message_burst)
        self._slot = ExitStack()

    async def run(self, sessions: StreamSessions) -> None:
        """Answer the client until either side closes the socket."""
        try:
            async with sessions.open() as session:
                session.expire_after(self._limits.initialisation_seconds, EndReason.NOT_INITIALISED)
                with self._slot:
                    await self._receive(session)
        except SocketClosed as closed:
            await self._socket.close(code=closed.code, message=closed.reason)
        except TooManyRequests as error:
            reason = close_reason(error.message)
            await self._socket.close(code=CloseCode.TOO_MANY, message=reason)
        except StreamEnded as ended:
            code, text = _CLOSE_FRAMES[ended.reason]
            await self._socket.close(code=code, message=text.encode())
        finally:
            await self._cancel(tuple(self._operations.values()))

    async def _receive(self, session: StreamSession) -> None:
        if self._socket.ws_protocol != SUBPROTOCOL:
            raise SocketClosed(
                CloseCode.SUBPROTOCOL_NOT_ACCEPTABLE, f"Subprotocol not acceptable: {SUBPROTOCOL}"
            )
        async for frame in self._socket:
            if frame.type is WSMsgType.ERROR:  # the socket is already closed
                return
            self._count_message()
            match frame.type:
                case WSMsgType.TEXT:
                    await self._handle(self._read(frame.data), session)
                case WSMsgType.PING:
                    await self._socket.pong(frame.data)
                case WSMsgType.PONG:
                    pass
                case _:
                    raise SocketClosed(CloseCode.INVALID_MESSAGE, "A message must be text.")

    def _count_message(self) -> None:
        """Take a token for a message; before authentication, also one of the address.

        Raises:
            TooManyRequests: there is no token.

        """
        if self._messages is not None:
            self._messages.acquire(_CLIENT)
        if self._actor is None and self._rate_limiter.addresses is not None:
            self._rate_limiter.addresses.acquire(self._address)

    def _read(self, text: str) -> AnyMessage:
        """Return the message; SocketClosed if it is malformed, or too long for its sender."""
        bound = UNAUTHENTICATED_MESSAGE_CHARACTERS
        if self._actor is None and len(text) > bound:
            reason = f"A message before connection_ack can have {bound:,} characters."
            raise SocketClosed(CloseCode.INVALID_MESSAGE, reason)
        return read_message(text)

    async def _handle(self, message: AnyMessage, session: StreamSession) -> None:
        match message:
            case ConnectionInit():
                await self._initialise(message, session)
            case Ping():
                payload: JsonObject = {"payload": message.payload} if message.payload else {}
                await self._send({"type": "pong", **payload})
            case Pong():
                pass
            case Subscribe():
                await self._subscribe(message)
            case Complete():
                operation = self._operations.pop(message.id, None)
                await self._cancel([operation] if operation else [])

    async def _initialise(self, message: ConnectionInit, session: StreamSession) -> None:
        if self._actor is not None:
            raise SocketClosed(CloseCode.TOO_MANY, "Too many initialisation requests")
        tokens = self._request.app[TOKENS]
        try:
            token = bearer_token(self._credentials(message))
            self._actor = await tokens.authenticate(token)
        except Unauthenticated as error:
            reason = error.details.get("reason")
            raise SocketClosed(CloseCode.FORBIDDEN, f"Forbidden: {reason}") from None
        except Unavailable as error:
            raise SocketClosed(CloseCode.TRY_AGAIN_LATER, error.message) from None
        bind(actor=self._actor.id)
        self._slot.enter_context(self._rate_limiter.concurrency.slot(self._actor.id))
        session.expire_with_token(token, tokens)
        await self._send({"type": "connection_ack"})

    def _credentials(self, message: ConnectionInit) -> Sequence[str]:
        """Return the credentials in the first message, or else in the headers."""
        credentials = [
            value if isinstance(value, str) else ""
            for name, value in (message.payload or {}).items()
            if name.lower() == _AUTHORIZATION
        ]
        return credentials or self._request.headers.getall(hdrs.AUTHORIZATION, [])

    async def _subscribe(self, message: Subscribe) -> None:
        if self._actor is None:
            raise SocketClosed(CloseCode.UNAUTHORIZED, "Unauthorized")
        if message.id in self._operations:
            raise SocketClosed(
                CloseCode.SUBSCRIBER_EXISTS, f"Subscriber for {message.id} already exists"
            )
        try:
            operations = len(self._operations) + 1
            check_limit("socket_operations", self._limits.socket_operations, operations)
            if self._rate_limiter.viewers is not None:
                self._rate_limiter.viewers.acquire(self._actor.id)
        except InterlockError as error:
            await self._send(_error_message(message.id, {"errors": response_errors(error)}))
        else:
            request = message.payload.to_request(queries_only=False)
            operation = self._metered(self._execute(message.id, request, self._actor), self._actor)
            self._operations[message.id] = asyncio.create_task(operation)

    async def _metered(self, operation: Awaitable[None], actor: Actor) -> None:
        await self._rate_limiter.meter(actor.id, operation)

    async def _execute(self, operation_id: str, request: GraphQLRequest, actor: Actor) -> None:
        """Send the responses of one operation; then its id can be used again."""
        last: JsonObject = {"id": operation_id, "type": "complete"}
        make_context = partial(self._context_for, actor)
        slot = self._rate_limiter.concurrency.slot(actor.id)
        try:
            self._rate_limiter.check(actor.id)
            async with aclosing(
                self._executor.stream(request, make_context, in_flight=slot)
            ) as responses:
                async for response in responses:
                    body = response.body
                    if response.executed:
                        await self._send({"id": operation_id, "type": "next", "payload": body})
                        await self._rate_limiter.wait(actor.id)
                    else:
                        last = _error_message(operation_id, body)
            del self._operations[operation_id]
            await self._send(last)
        except TooManyRequests as error:
            del self._operations[operation_id]
            await self._send(_error_message(operation_id, {"errors": response_errors(error)}))
        except ConnectionError:
            pass  # the client has disconnected
        except Exception:
            log.exception("operation failed")
            await self._socket.close(code=CloseCode.INTERNAL_ERROR, message=b"Internal error")

    async def _send(self, message: JsonObject) -> None:
        """Send a message; ConnectionError if the client has disconnected."""
        await self._socket.send_str(orjson.dumps(message).decode())

    async def _cancel(self, operations: Sequence[asyncio.Task[None]]) -> None:
        for operation in operations:
            operation.cancel()
        await asyncio.gather(*operations, return_exceptions=True)


def _error_message(operation_id: str, body: JsonObject) -> JsonObject:
    """Return the message that ends an operation with the errors of a response."""
    return {"id": operation_id, "type": "error", "payload": body["errors"]}
