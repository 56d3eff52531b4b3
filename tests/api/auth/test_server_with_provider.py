"""A complete server whose users sign in with an OpenID provider."""

from pathlib import Path

import pytest
from aiohttp.test_utils import TestClient, TestServer

from api.bootstrap.application import open_application_on
from api.bootstrap.engine import EngineHandle
from api.settings import Settings
from engine.errors import Misconfigured
from tests.support.oidc_provider import provider
from tests.support.signers import EC_JWK, ES256, ISSUER, RS256, RSA_JWK, authorization, jwks
from tests.support.streams import SUBPROTOCOL, Socket

VIEWER = {"query": "{ viewer { id name groups admin } }"}
CLAIMS = {
    "sub": "f:17:anna",
    "preferred_username": "anna",
    "exp": 4_000_000_000,
    "realm_access": {"roles": ["payment-team", "interlock-admin"]},
}
RULES = {
    "INTERLOCK_JWT_AUDIENCE": "interlock",
    "INTERLOCK_CLAIM_NAME": "preferred_username",
    "INTERLOCK_CLAIM_GROUPS": "realm_access.roles",
    "INTERLOCK_CLAIM_ADMIN": "realm_access.roles=interlock-admin",
}


async def test_a_user_signs_in_with_openid_connect(engine: EngineHandle) -> None:
    async with provider(RSA_JWK, EC_JWK) as issuer:
        settings = Settings.from_env(RULES | {"INTERLOCK_OIDC_ISSUER": issuer.issuer})
        claims = CLAIMS | {"iss": issuer.issuer, "aud": ["account", "interlock"]}
        async with (
            open_application_on(engine, settings) as application,
            TestClient(TestServer(application)) as client,
        ):
            for by in (RS256, ES256):
                headers = authorization(by.token(claims))
                async with client.post("/graphql", json=VIEWER, headers=headers) as response:
                    assert (await response.json(content_type=None))["data"]["viewer"] == {
                        "id": "f:17:anna",
                        "name": "anna",
                        "groups": ["interlock-admin", "payment-team"],
                        "admin": True,
                    }
            other = authorization(RS256.token(claims | {"iss": ISSUER}))
            async with client.post("/graphql", json=VIEWER, headers=other) as response:
                assert response.status == 401
                [error] = (await response.json(content_type=None))["errors"]
                assert error["extensions"]["reason"] == "wrong_issuer"


async def test_a_server_is_not_ready_before_it_has_keys(engine: EngineHandle) -> None:
    async with (
        provider() as issuer,
        open_application_on(
            engine, Settings.from_env({"INTERLOCK_JWKS": issuer.url})
        ) as application,
        TestClient(TestServer(application)) as client,
    ):
        async with client.get("/readyz") as response:
            assert response.status == 503
        async with client.get("/livez") as response:
            assert response.status == 200
        async with client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,)) as opened:
            socket = Socket(opened)
            await socket.send(
                {"type": "connection_init", "payload": authorization(RS256.token(CLAIMS))}
            )
            code, _ = await socket.closed()
            assert code == 1013


async def test_a_socket_accepts_a_token_of_a_new_key(engine: EngineHandle) -> None:
    async with (
        provider(RSA_JWK) as issuer,
        open_application_on(
            engine, Settings.from_env({"INTERLOCK_JWKS": issuer.url})
        ) as application,
        TestClient(TestServer(application)) as client,
        client.ws_connect("/graphql/ws", protocols=(SUBPROTOCOL,)) as opened,
    ):
        issuer.publish(EC_JWK)
        socket = Socket(opened)
        token = ES256.token(CLAIMS | {"name": "Anna"})
        await socket.initialise(authorization(token)["Authorization"])


async def test_a_server_starts_with_its_key_file_and_not_without(
    engine: EngineHandle, tmp_path: Path
) -> None:
    file = tmp_path / "jwks.json"
    settings = Settings.from_env({"INTERLOCK_JWKS": str(file)})
    with pytest.raises(Misconfigured, match=r"jwks\.json cannot be read"):
        async with open_application_on(engine, settings):
            pass
    file.write_bytes(jwks(RSA_JWK))
    async with (
        open_application_on(engine, settings) as application,
        TestClient(TestServer(application)) as client,
        client.get("/readyz") as response,
    ):
        assert response.status == 200
