"""An OpenID provider that signs in a user without asking, and refuses what the standards forbid."""

import json
import time
from base64 import b64decode
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from secrets import token_urlsafe
from typing import Any, Final
from urllib.parse import parse_qsl, unquote_plus, urlsplit

from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from api.auth.id_tokens import IdTokenVerifier
from api.auth.key_fetch import fetch_issuer_keys
from api.auth.key_sources import RefreshedKeys
from api.auth.openid_client import ClientRegistration, OpenIdClient
from api.auth.pending_sign_in import PendingSignIn
from api.auth.tokens import TokenRules
from tests.support.signers import RS256, RSA_JWK, Jwk, jwks

CLIENT_ID: Final = "interlock"
CLIENT_SECRET: Final = "s3cret +:/é"  # noqa: S105  # of a test
PUBLIC_URL: Final = "http://127.0.0.1:9"
ANNA_CLAIMS: Final = {
    "sub": "u_b1",
    "name": "Anna K.",
    "groups": ["payment-team"],
    "admin": False,
}


@dataclass
class SignInProvider:
    """A provider whose responses a test changes.

    Attributes:
        claims: of the ID token; None as value removes a claim.
        user_info: the response of the UserInfo endpoint; None for an error.
        sign: signs the claims of the ID token.
        secret: of the client; None for a public client.
        auth_methods: how clients can authenticate; None for the default.
        tokens: replaces the response of the token endpoint.
        members: replaces members of the discovery document; None as value removes one.
        requests: the paths of the requests, except those for keys.
        discoveries: the number of requests for the discovery document.

    """

    server: TestServer
    claims: Jwk = field(default_factory=dict)
    user_info: Jwk | None = field(default_factory=dict)
    sign: Callable[[Jwk], str] = RS256.token
    secret: str | None = CLIENT_SECRET
    auth_methods: list[str] | None = None
    tokens: web.Response | None = None
    members: Jwk = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    discoveries: int = 0
    _codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def issuer(self) -> str:
        return str(self.server.make_url("/realms/acme"))

    def registration(self, public_url: str = PUBLIC_URL) -> ClientRegistration:
        secret = None if self.secret is None else SecretStr(self.secret)
        return ClientRegistration(self.issuer, CLIENT_ID, secret, "openid profile", public_url)

    async def client(self, clock: Callable[[], float] = time.monotonic) -> OpenIdClient:
        """Return a client that has read the keys."""
        keys = RefreshedKeys(partial(fetch_issuer_keys, self.issuer), self.issuer)
        await keys.start()
        rules = TokenRules(self.issuer, frozenset({CLIENT_ID}))
        return OpenIdClient(self.registration(), IdTokenVerifier(keys, rules), clock)

    def authorize(self, url: str) -> dict[str, str]:
        """Return the parameters with which a browser that opens the URL comes back."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}{parts.path}" == f"{self.issuer}/authorize"
        parameters = dict(parse_qsl(parts.query, strict_parsing=True))
        assert parameters["response_type"] == "code"
        assert parameters["client_id"] == CLIENT_ID
        assert "openid" in parameters["scope"].split()
        assert parameters["code_challenge_method"] == "S256"
        code = token_urlsafe()
        self._codes[code] = parameters
        return {"code": code, "state": parameters["state"], "iss": self.issuer}

    async def send_metadata(self, _request: web.Request) -> web.Response:
        self.discoveries += 1
        issuer = self.issuer
        members = {
            "issuer": issuer,
            "jwks_uri": f"{issuer}/keys",
            "authorization_endpoint": f"{issuer}/authorize",
            "token_endpoint": f"{issuer}/token",
            "userinfo_endpoint": f"{issuer}/userinfo",
            "end_session_endpoint": f"{issuer}/logout?realm=acme",
            "token_endpoint_auth_methods_supported": self.auth_methods,
        } | self.members
        return web.json_response({k: v for k, v in members.items() if v is not None})

    async def send_keys(self, _request: web.Request) -> web.Response:
        return web.Response(body=jwks(RSA_JWK))

    async def send_tokens(self, request: web.Request) -> web.Response:
        self.requests.append("token")
        if self.tokens is not None:
            return web.Response(status=self.tokens.status, body=self.tokens.body)
        form = {name: str(value) for name, value in (await request.post()).items()}
        if not self._is_client(request.headers.get("Authorization"), form):
            return web.json_response({"error": "invalid_client"}, status=401)
        started = self._codes.pop(form["code"], None)
        if started is None or form["redirect_uri"] != started["redirect_uri"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        pending = PendingSignIn("", "", form["code_verifier"], "")
        if pending.code_challenge != started["code_challenge"]:
            return web.json_response({"error": "invalid_grant"}, status=400)
        claims: Jwk = {
            **ANNA_CLAIMS,
            "iss": self.issuer,
            "aud": CLIENT_ID,
            "exp": int(time.time()) + 300,
            "iat": int(time.time()),
            "nonce": started["nonce"],
            **self.claims,
        }
        id_token = self.sign({k: v for k, v in claims.items() if v is not None})
        return web.json_response({"id_token": id_token, "access_token": "at", "expires_in": 60})

    async def send_user_info(self, request: web.Request) -> web.Response:
        self.requests.append("userinfo")
        assert request.headers["Authorization"] == "Bearer at"
        return web.json_response(self.user_info, status=403 if self.user_info is None else 200)

    def _is_client(self, authorization: str | None, form: dict[str, str]) -> bool:
        """Return whether the client authenticates in the one way that it must use."""
        if self.secret is None:
            return authorization is None and form["client_id"] == CLIENT_ID
        if "client_secret_basic" in (self.auth_methods or ["client_secret_basic"]):
            scheme, _, encoded = (authorization or "").partition(" ")
            pair = b64decode(encoded).decode().partition(":")
            found = unquote_plus(pair[0]), unquote_plus(pair[2])
            return scheme == "Basic" and found == (CLIENT_ID, self.secret)
        found = form.get("client_id", ""), form.get("client_secret", "")
        return authorization is None and found == (CLIENT_ID, self.secret)


@asynccontextmanager
async def sign_in_provider(**attributes: Any) -> AsyncIterator[SignInProvider]:  # noqa: ANN401  # of any type
    """Serve during the block."""
    application = web.Application()
    provider = SignInProvider(TestServer(application), **attributes)
    prefix = "/realms/acme"
    application.router.add_get(f"{prefix}/.well-known/openid-configuration", provider.send_metadata)
    application.router.add_get(f"{prefix}/keys", provider.send_keys)
    application.router.add_post(f"{prefix}/token", provider.send_tokens)
    application.router.add_get(f"{prefix}/userinfo", provider.send_user_info)
    await provider.server.start_server()
    try:
        yield provider
    finally:
        await provider.server.close()


def json_body(status: int, body: object) -> web.Response:
    """Return a response with a body of JSON, or with any bytes."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return web.Response(status=status, body=content)
