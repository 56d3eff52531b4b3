"""The messages of the protocol `graphql-transport-ws`, and the codes that close a socket.

It is the protocol of the library graphql-ws, whose terms are used here:
https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from enum import IntEnum
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.graphql.transport.request import Parameters
from engine.validation_messages import describe_error_at

SUBPROTOCOL: Final = "graphql-transport-ws"
_REASON_BYTES: Final = 123
"""The size of a close frame without the code (RFC 6455, 5.5)."""


class CloseCode(IntEnum):
    """Why the server closes a socket. The codes from 4400 are those of the protocol."""

    GOING_AWAY = 1001
    TRY_AGAIN_LATER = 1013
    INTERNAL_ERROR = 4500
    INVALID_MESSAGE = 4400
    UNAUTHORIZED = 4401
    FORBIDDEN = 4403
    SUBPROTOCOL_NOT_ACCEPTABLE = 4406
    INITIALISATION_TIMEOUT = 4408
    SUBSCRIBER_EXISTS = 4409
    TOO_MANY = 4429


class SocketClosed(Exception):
    """The server must close the socket."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        self.code = code
        self.reason = close_reason(reason)
        super().__init__(reason)


def close_reason(text: str) -> bytes:
    """Return the reason in a close frame: UTF-8, shortened to the size of the frame."""
    return text.encode()[:_REASON_BYTES].decode(errors="ignore").encode()


class _Message(BaseModel):
    model_config = ConfigDict(strict=True, frozen=True)


class ConnectionInit(_Message):
    """The client starts the session; the payload can have its token."""

    type: Literal["connection_init"]
    payload: dict[str, Any] | None = None


class Ping(_Message):
    """The client requests a pong."""

    type: Literal["ping"]
    payload: dict[str, Any] | None = None


class Pong(_Message):
    """The client is connected."""

    type: Literal["pong"]
    payload: dict[str, Any] | None = None


class Subscribe(_Message):
    """The client requests an operation of any kind."""

    type: Literal["subscribe"]
    id: Annotated[str, Field(min_length=1)]
    payload: Parameters


class Complete(_Message):
    """The client ends an operation."""

    type: Literal["complete"]
    id: Annotated[str, Field(min_length=1)]


AnyMessage: TypeAlias = ConnectionInit | Ping | Pong | Subscribe | Complete
_MESSAGES: Final[TypeAdapter[AnyMessage]] = TypeAdapter(
    Annotated[AnyMessage, Field(discriminator="type")]
)


def read_message(text: str) -> AnyMessage:
    """Return the message of a client.

    Raises:
        SocketClosed: the text is not a message of the protocol.

    """
    try:
        return _MESSAGES.validate_json(text)
    except ValidationError as error:
        reason = describe_error_at(error.errors()[0], skip=1)  # the type of the message
        raise SocketClosed(
            CloseCode.INVALID_MESSAGE, f"Invalid {SUBPROTOCOL} message: {reason}"
        ) from None
