"""The messages of the protocol `graphql-transport-ws`, and how it closes a socket.

The protocol is the one of the library graphql-ws; its rules are quoted by the names that they have
there. https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md
"""

from enum import IntEnum
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from api.graphql.transport.request import Parameters
from engine.validation_messages import describe_error_at

SUBPROTOCOL: Final = "graphql-transport-ws"
REASON_BYTES: Final = 123
"""What fits into a close frame beside the code (RFC 6455, 5.5)."""


class CloseCode(IntEnum):
    """Why the server closes a socket. From 4400 on they are the protocol's own."""

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
    """The socket has to be closed."""

    def __init__(self, code: CloseCode, reason: str) -> None:
        self.code = code
        self.reason = close_reason(reason)
        super().__init__(reason)


def close_reason(text: str) -> bytes:
    """Return a reason as a close frame has it: in UTF-8, cut off where it is too long."""
    return text.encode()[:REASON_BYTES].decode(errors="ignore").encode()


class Message(BaseModel):
    """A message of a client."""

    model_config = ConfigDict(strict=True, frozen=True)


class ConnectionInit(Message):
    """The client would like to send operations; it may say who it is."""

    type: Literal["connection_init"]
    payload: dict[str, Any] | None = None


class Ping(Message):
    """The client would like to hear a pong."""

    type: Literal["ping"]
    payload: dict[str, Any] | None = None


class Pong(Message):
    """The client is there."""

    type: Literal["pong"]
    payload: dict[str, Any] | None = None


class Subscribe(Message):
    """The client asks for an operation of any kind."""

    type: Literal["subscribe"]
    id: Annotated[str, Field(min_length=1)]
    payload: Parameters


class Complete(Message):
    """The client wants no more answers to an operation."""

    type: Literal["complete"]
    id: Annotated[str, Field(min_length=1)]


AnyMessage: TypeAlias = ConnectionInit | Ping | Pong | Subscribe | Complete
MESSAGES: Final[TypeAdapter[AnyMessage]] = TypeAdapter(
    Annotated[AnyMessage, Field(discriminator="type")]
)


def read_message(text: str) -> AnyMessage:
    """Return the message that a text is.

    Raises:
        SocketClosed: it is none.

    """
    try:
        return MESSAGES.validate_json(text)
    except ValidationError as error:
        reason = describe_error_at(error.errors()[0], skip=1)  # the type of the message
        raise SocketClosed(
            CloseCode.INVALID_MESSAGE, f"This is no message of {SUBPROTOCOL}: {reason}"
        ) from None
