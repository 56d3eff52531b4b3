"""The WebSocket handshake (RFC 6455, section 4.2)."""

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web

from engine.errors import InterlockError, InvalidInput

_PROTOCOL: Final = "websocket"
_VERSION: Final = "13"
UPGRADE_HEADERS: Final[Mapping[str, str]] = {
    hdrs.CONNECTION: hdrs.UPGRADE,
    hdrs.UPGRADE: _PROTOCOL,
    hdrs.SEC_WEBSOCKET_VERSION: _VERSION,
}
"""The protocol that the path requires (RFC 9110, section 15.5.22; RFC 6455, section 4.4)."""


class UpgradeRequired(InterlockError):
    """The path requires WebSocket, version 13: request an upgrade."""

    code = "upgrade_required"
    status = 426


def check_handshake(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Check that a request opens a WebSocket of version 13; aiohttp also accepts older versions.

    Raises:
        UpgradeRequired: the request does not ask for an upgrade to that version.
        InvalidInput: the handshake is malformed.

    """
    options = request.headers.get(hdrs.CONNECTION, "").lower().split(",")
    if (
        "upgrade" not in map(str.strip, options)
        or request.headers.get(hdrs.UPGRADE, "").strip().lower() != _PROTOCOL
        or request.headers.get(hdrs.SEC_WEBSOCKET_VERSION) != _VERSION
    ):
        raise UpgradeRequired
    if request.body_exists:  # aiohttp would read it as messages
        raise InvalidInput("A WebSocket handshake has no body.")
    if not socket.can_prepare(request):
        raise InvalidInput("Sec-WebSocket-Key must be 16 random bytes in base64.")
