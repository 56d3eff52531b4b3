"""How a request becomes a socket (RFC 6455, section 4.2), and what is told if it does not."""

from collections.abc import Mapping
from typing import Final

from aiohttp import hdrs, web

from engine.errors import InterlockError, InvalidInput

PROTOCOL: Final = "websocket"
VERSION: Final = "13"
OFFER: Final[Mapping[str, str]] = {
    hdrs.CONNECTION: hdrs.UPGRADE,
    hdrs.UPGRADE: PROTOCOL,
    hdrs.SEC_WEBSOCKET_VERSION: VERSION,
}
"""What the path speaks (RFC 9110, section 15.5.22; RFC 6455, section 4.4)."""


class UpgradeRequired(InterlockError):
    """WebSocket alone is spoken at this path, in version 13: ask for an upgrade to it."""

    code = "upgrade_required"
    status = 426


def check_handshake(request: web.Request, socket: web.WebSocketResponse) -> None:
    """Return if a request opens a socket; aiohttp alone would take older versions, too.

    Raises:
        UpgradeRequired: it does not ask for one of ours.
        InvalidInput: it does, and is malformed.

    """
    if not asks_for_a_socket(request):
        raise UpgradeRequired
    if not socket.can_prepare(request):
        raise InvalidInput("Sec-WebSocket-Key must be 16 random bytes in base64.")


def asks_for_a_socket(request: web.Request) -> bool:
    """Tell whether a request asks for an upgrade to what is spoken here."""
    options = request.headers.get(hdrs.CONNECTION, "").lower().split(",")
    return (
        "upgrade" in map(str.strip, options)
        and request.headers.get(hdrs.UPGRADE, "").strip().lower() == PROTOCOL
        and request.headers.get(hdrs.SEC_WEBSOCKET_VERSION) == VERSION
    )
