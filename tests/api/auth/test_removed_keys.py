"""A stream does not outlast the key of the token by which it was opened."""

import asyncio
import time
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from api.auth import Tokens
from api.auth.key_fetch import from_file
from api.auth.key_sources import LiveKeys
from api.bootstrap.application import open_application_on
from api.bootstrap.engine import open_engine
from api.http.stream_sessions import EndReason, StreamEnded, StreamSessions
from api.settings import Settings
from tests.support.api_client import Client
from tests.support.lock_gates import PATIENCE_SECONDS
from tests.support.signers import (
    CURVE_JWK,
    ES256,
    FIRST_SECRET,
    OLD_SECRET,
    RS256,
    RSA_JWK,
    SECOND_SECRET,
    SECRET,
    Jwk,
    Signer,
    jwks,
)
from tests.support.streams import SUBPROTOCOL, Socket

FOLLOW = "subscription { ticketsChanged { position } }"


def signed(signer: Signer, **header: str) -> str:
    claims = {"sub": "u_b1", "name": "Anna K.", "exp": int(time.time()) + 3600}
    return signer.token(claims, signer.header | header)


def bearer(signer: Signer, **header: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {signed(signer, **header)}"}


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
        open_engine(settings) as engine,
        open_application_on(engine, settings) as application,
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


async def test_streams_end_when_the_secret_of_their_token_is_removed(
    tmp_path: Path, database_url: str
) -> None:
    file = tmp_path / "secrets"
    file.write_text(f"{SECRET}\n{OLD_SECRET}\n")
    settings = Settings(database_url=SecretStr(database_url), jwt_secret_file=file)
    async with (
        open_engine(settings) as engine,
        open_application_on(engine, settings) as application,
        TestClient(TestServer(application)) as client,
    ):
        removed = await opened(client, bearer(SECOND_SECRET))
        kept = await opened(client, bearer(FIRST_SECRET))
        file.write_text(SECRET)
        forged = {"Authorization": f"Bearer {FIRST_SECRET.token(sign=FIRST_SECRET.forge)}"}
        async with client.post("/graphql", json={"query": FOLLOW}, headers=forged) as refused:
            assert refused.status == 401  # and the file was read again before
        assert await removed.closed() == (4403, "Forbidden: unknown_key")
        await kept.subscribe("a", "{ position }")
        assert "position" in await kept.data("a")


async def test_who_leaves_meanwhile_keeps_no_other_stream_open(file: Path) -> None:
    keys = LiveKeys(from_file(file), str(file))
    await keys.begin()
    tokens, lifetimes, left = Tokens(keys), StreamSessions(), asyncio.Event()

    async def stay(until: asyncio.Event) -> EndReason | None:
        try:
            async with lifetimes.open() as lifetime:
                lifetime.expire_with_token(signed(RS256), tokens)
                await until.wait()
        except StreamEnded as ended:
            return ended.reason
        return None

    staying, leaving = (
        [asyncio.create_task(stay(until)) for _ in range(5)] for until in (asyncio.Event(), left)
    )
    await asyncio.sleep(0)
    publish(file, CURVE_JWK)
    await keys.renew()
    ending = asyncio.create_task(lifetimes.end_revoked(tokens))
    left.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await ending
        assert await asyncio.gather(*staying) == [EndReason.KEY_REMOVED] * 5
    await asyncio.gather(*leaving)
