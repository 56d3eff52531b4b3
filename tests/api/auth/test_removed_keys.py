"""A stream ends when the key of its token is removed."""

import asyncio
import time
from functools import partial
from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer
from pydantic import SecretStr

from api.auth.key_fetch import read_key_file
from api.auth.key_sources import RefreshedKeys
from api.auth.tokens import TokenVerifier
from api.bootstrap.application import open_application_on
from api.bootstrap.engine import open_engine
from api.http.stream_sessions import EndReason, StreamEnded, StreamSessions
from api.settings import Settings
from tests.support.api_client import Client
from tests.support.lock_gates import TIMEOUT_SECONDS
from tests.support.signers import (
    EC_JWK,
    ES256,
    FIRST_SECRET,
    OLD_SECRET,
    RS256,
    RSA_JWK,
    SECOND_SECRET,
    SECRET,
    Jwk,
    Signer,
    authorization,
    jwks,
)
from tests.support.streams import SUBPROTOCOL, Socket

SUBSCRIPTION = "subscription { ticketsChanged { position } }"


def build_token(signer: Signer, **header: str) -> str:
    claims = {"sub": "u_b1", "name": "Anna K.", "exp": int(time.time()) + 3600}
    return signer.token(claims, signer.header | header)


def headers_of(signer: Signer, **header: str) -> dict[str, str]:
    return authorization(build_token(signer, **header))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "jwks.json"
    publish(written, RSA_JWK, EC_JWK)
    return written


def publish(file: Path, *keys: Jwk) -> None:
    file.write_bytes(jwks(*keys))


async def open_socket(client: Client, headers: dict[str, str]) -> Socket:
    socket = Socket(await client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,)))
    await socket.initialise(headers["Authorization"])
    return socket


async def test_streams_end_when_the_key_of_their_token_is_removed(
    file: Path, database_url: str
) -> None:
    settings = Settings(database_url=SecretStr(database_url), jwks=str(file))
    body = {"query": SUBSCRIPTION}
    async with (
        open_engine(settings) as engine,
        open_application_on(engine, settings) as application,
        TestClient(TestServer(application)) as client,
    ):
        removed, kept = (
            await open_socket(client, headers_of(RS256)),
            await open_socket(client, headers_of(ES256)),
        )
        async with client.post("/graphql/stream", json=body, headers=headers_of(RS256)) as events:
            publish(file, EC_JWK)
            unknown = headers_of(RS256, kid="new")  # causes a refresh
            async with client.post("/graphql", json=body, headers=unknown) as refused:
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
        removed = await open_socket(client, headers_of(SECOND_SECRET))
        kept = await open_socket(client, headers_of(FIRST_SECRET))
        file.write_text(SECRET)
        forged = authorization(FIRST_SECRET.token(sign=FIRST_SECRET.forge))
        async with client.post("/graphql", json={"query": SUBSCRIPTION}, headers=forged) as refused:
            assert refused.status == 401  # after a refresh
        assert await removed.closed() == (4403, "Forbidden: unknown_key")
        await kept.subscribe("a", "{ position }")
        assert "position" in await kept.data("a")


async def test_a_stream_that_closes_meanwhile_keeps_no_other_stream_open(file: Path) -> None:
    keys = RefreshedKeys(partial(asyncio.to_thread, read_key_file, file), str(file))
    await keys.start()
    verifier, sessions, left = TokenVerifier(keys), StreamSessions(), asyncio.Event()

    async def stay(until: asyncio.Event) -> EndReason | None:
        try:
            async with sessions.open() as session:
                session.expire_with_token(build_token(RS256), verifier)
                await until.wait()
        except StreamEnded as ended:
            return ended.reason
        return None

    staying, leaving = (
        [asyncio.create_task(stay(until)) for _ in range(5)] for until in (asyncio.Event(), left)
    )
    await asyncio.sleep(0)
    publish(file, EC_JWK)
    await keys.refresh()
    ending = asyncio.create_task(sessions.end_revoked(verifier))
    left.set()
    async with asyncio.timeout(TIMEOUT_SECONDS):
        await ending
        assert await asyncio.gather(*staying) == [EndReason.KEY_REMOVED] * 5
    await asyncio.gather(*leaving)
