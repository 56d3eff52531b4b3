"""A request that is not a WebSocket handshake gets an error that says what to request."""

import pytest

from tests.support.streams import serving

HANDSHAKE = {
    "Connection": "keep-alive, Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
REQUESTS: dict[str, dict[str, str]] = {
    "no upgrade headers": {},
    "no upgrade in the connection header": HANDSHAKE | {"Connection": "keep-alive"},
    "another protocol": HANDSHAKE | {"Upgrade": "h2c"},
    "another version": HANDSHAKE | {"Sec-WebSocket-Version": "12"},
    "a version older than the standard": HANDSHAKE | {"Sec-WebSocket-Version": "8"},
}


@pytest.mark.parametrize("headers", REQUESTS.values(), ids=REQUESTS)
async def test_a_request_without_a_supported_upgrade_is_refused(
    headers: dict[str, str],
) -> None:
    async with serving() as server, server.client.get("/graphql/ws", headers=headers) as response:
        problem = await response.json()
        assert (response.status, problem["code"]) == (426, "upgrade_required")
        assert response.headers["Connection"] == "Upgrade"
        assert response.headers["Upgrade"] == "websocket"
        assert response.headers["Sec-WebSocket-Version"] == "13"


async def test_a_handshake_with_a_body_is_refused() -> None:
    async with (
        serving() as server,
        server.client.get("/graphql/ws", headers=HANDSHAKE, data=b"text") as response,
    ):
        problem = await response.json()
        assert (response.status, problem["code"]) == (400, "invalid_input")


async def test_a_handshake_with_a_malformed_key_is_refused() -> None:
    headers = HANDSHAKE | {"Sec-WebSocket-Key": "short"}
    async with serving() as server, server.client.get("/graphql/ws", headers=headers) as response:
        problem = await response.json()
        assert (response.status, problem["code"]) == (400, "invalid_input")
