"""How a request becomes a socket, or is told what to ask for."""

import pytest

from tests.support.streams import serving

HANDSHAKE = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
NO_UPGRADE: dict[str, dict[str, str]] = {
    "nothing": {},
    "no connection": HANDSHAKE | {"Connection": "keep-alive"},
    "another protocol": HANDSHAKE | {"Upgrade": "h2c"},
    "another version": HANDSHAKE | {"Sec-WebSocket-Version": "12"},
    "a version of before the standard": HANDSHAKE | {"Sec-WebSocket-Version": "8"},
}


@pytest.mark.parametrize("headers", NO_UPGRADE.values(), ids=NO_UPGRADE)
async def test_a_request_that_asks_for_no_socket_of_ours_is_told_what_to_ask_for(
    headers: dict[str, str],
) -> None:
    async with serving() as doors, doors.client.get("/graphql/ws", headers=headers) as response:
        problem = await response.json()
        assert (response.status, problem["code"]) == (426, "upgrade_required")
        assert response.headers["Connection"] == "Upgrade"
        assert response.headers["Upgrade"] == "websocket"
        assert response.headers["Sec-WebSocket-Version"] == "13"


async def test_a_handshake_with_a_key_that_is_none_is_malformed() -> None:
    headers = HANDSHAKE | {"Sec-WebSocket-Key": "short"}
    async with serving() as doors, doors.client.get("/graphql/ws", headers=headers) as response:
        problem = await response.json()
        assert (response.status, problem["code"]) == (400, "invalid_input")
