"""A stream does not outlast the key of the token by which it was opened."""

import time
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from api.bootstrap import application_on
from api.parts import open_parts
from api.settings import Settings
from tests.api.conftest import Client
from tests.api.identity.signers import CURVE_JWK, ES256, RS256, RSA_JWK, Jwk, Signer, jwks
from tests.api.streams import SUBPROTOCOL, Socket

FOLLOW = "subscription { ticketsChanged { position } }"


def bearer(signer: Signer, **header: str) -> dict[str, str]:
    claims = {"sub": "u_b1", "name": "Anna K.", "exp": int(time.time()) + 3600}
    return {"Authorization": f"Bearer {signer.token(claims, signer.header | header)}"}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "jwks.json"
    publish(written, RSA_JWK, CURVE_JWK)
    return written


def publish(file: Path, *keys: Jwk) -> None:
    file.write_bytes(jwks(*keys))


async def opened(client: Client, authorization: dict[str, str]) -> Socket:
    socket = Socket(await client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,)))
    await socket.initialise(authorization["Authorization"])
    return socket


async def test_streams_end_when_the_key_of_their_token_is_removed(
    file: Path, database_url: str
) -> None:
    settings = Settings(database_url=SecretStr(database_url), jwks=str(file))
    asked = {"query": FOLLOW}
    async with (
        open_parts(settings) as parts,
        application_on(parts, settings) as application,
        TestClient(TestServer(application)) as client,
    ):
        removed, kept = await opened(client, bearer(RS256)), await opened(client, bearer(ES256))
        async with client.post("/graphql/stream", json=asked, headers=bearer(RS256)) as events:
            publish(file, CURVE_JWK)
            unknown = bearer(RS256, kid="new")  # for which the file is read again
            async with client.post("/graphql", json=asked, headers=unknown) as refused:
                assert refused.status == 401
            assert await removed.closed() == (4403, "Forbidden: unknown_key")
            assert b"complete" not in await events.content.read()
        await kept.subscribe("a", "{ position }")
        assert "position" in await kept.data("a")
