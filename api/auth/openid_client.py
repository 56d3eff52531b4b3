"""Signs in users at an OpenID provider: the authorization code flow with PKCE.

OpenID Connect Core 1.0, section 3.1; RFC 7636 (PKCE); RFC 9207 (issuer in the response); OpenID
Connect RP-Initiated Logout 1.0.
"""

import asyncio
import hmac
import json
import time
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final
from urllib.parse import quote_plus, urlencode

import structlog
from pydantic import SecretStr

from api import limits
from api.auth.id_tokens import IdTokenVerifier
from api.auth.key_fetch import ProviderMetadata, fetch, fetch_metadata
from api.auth.pending_sign_in import PendingSignIn
from api.auth.sign_in_errors import ProviderUnavailable, SignInFailed, SignInProblem
from engine.errors import Unauthenticated, Unavailable
from engine.tickets.actor import Actor

log: Final = structlog.get_logger(component="auth")

_ERROR_CHARACTERS: Final = 100
_BASIC: Final = "client_secret_basic"


@dataclass(frozen=True, slots=True)
class ClientRegistration:
    """What the provider knows about this server.

    Attributes:
        issuer: the URL of the provider.
        client_id: names this server.
        client_secret: authenticates this server; None for a public client.
        scopes: what to request, separated by spaces.
        public_url: the URL of this server for browsers, without a slash at its end.

    """

    issuer: str
    client_id: str
    client_secret: SecretStr | None
    scopes: str
    public_url: str

    @property
    def redirect_uri(self) -> str:
        """Where the provider sends the browser back to."""
        return f"{self.public_url}/sign-in/callback"


class OpenIdClient:
    """Signs in users at one provider.

    Args:
        registration: of this server at the provider.
        id_tokens: verifies the ID tokens.
        clock: a monotonic clock in seconds.

    """

    def __init__(
        self,
        registration: ClientRegistration,
        id_tokens: IdTokenVerifier,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._registration = registration
        self._id_tokens = id_tokens
        self._clock = clock
        self._metadata: asyncio.Task[ProviderMetadata] | None = None
        self._read_at = 0.0
        self._slots = asyncio.Semaphore(limits.PROVIDER_SIGN_INS)

    async def authorization_url(self, pending: PendingSignIn, id_token: str | None = None) -> str:
        """Return the URL at which the provider signs in the user.

        A provider at which the user is still signed in sends the browser back without a question.

        Args:
            pending: the sign-in.
            id_token: an earlier one of the user, by which the provider knows whom to sign in.

        Raises:
            ProviderUnavailable: the provider does not respond.

        """
        parameters = {
            "response_type": "code",
            "client_id": self._registration.client_id,
            "redirect_uri": self._registration.redirect_uri,
            "scope": self._registration.scopes,
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": pending.code_challenge,
            "code_challenge_method": "S256",
        }
        with _provider_calls():
            url = (await self._read_metadata()).url("authorization_endpoint")
        if id_token and len(id_token) <= limits.ID_TOKEN_HINT_CHARACTERS:
            parameters["id_token_hint"] = id_token
        return _with_query(url, parameters)

    async def finish(
        self, pending: PendingSignIn | None, response: Mapping[str, str]
    ) -> tuple[Actor, str]:
        """Return the user who signed in, and their ID token.

        Args:
            pending: the sign-in that the browser has started; None if it has not.
            response: the parameters with which the provider sent the browser back.

        Raises:
            SignInFailed: the sign-in was not started in this browser, or the provider refused it.
            ProviderUnavailable: the provider does not respond.

        """
        state = response.get("state", "")
        if pending is None or not hmac.compare_digest(state.encode(), pending.state.encode()):
            raise SignInFailed.because(SignInProblem.NOT_STARTED)
        if response.get("iss", self._registration.issuer) != self._registration.issuer:
            raise _provider_error("authorization", error="wrong issuer")
        code = response.get("code")
        if code is None:
            error = response.get("error", "no code")
            if error == "access_denied":
                raise SignInFailed.because(SignInProblem.DENIED)
            raise _provider_error("authorization", error=error[:_ERROR_CHARACTERS])
        with _provider_calls():
            async with self._slots:
                return await self._identify(code, pending)

    async def _identify(self, code: str, pending: PendingSignIn) -> tuple[Actor, str]:
        """Return the user to whom the provider gave a code, and their ID token."""
        tokens = await self._request_tokens(code, pending)
        id_token = tokens["id_token"]
        try:
            claims = await self._id_tokens.verify_id_token(id_token, pending.nonce)
            user_info: Mapping[str, object] = {}
            if not self._id_tokens.is_complete(claims):
                user_info = await self._request_user_info(tokens.get("access_token"))
            return self._id_tokens.actor(claims, user_info), id_token
        except Unauthenticated as error:
            log.warning("ID token refused", message=error.message, **error.details)
            raise SignInFailed.because(SignInProblem.INVALID_ID_TOKEN) from None

    async def sign_out_url(self, id_token: str | None) -> str | None:
        """Return the URL that ends the session at the provider; None if it has no such URL.

        Raises:
            ProviderUnavailable: the provider does not respond.

        """
        with _provider_calls():
            metadata = await self._read_metadata()
            if "end_session_endpoint" not in metadata.members:
                return None
            url = metadata.url("end_session_endpoint")
        parameters = {
            "client_id": self._registration.client_id,
            "post_logout_redirect_uri": f"{self._registration.public_url}/sign-in",
        }
        hint = {"id_token_hint": id_token} if id_token else {}
        return _with_query(url, parameters | hint)

    async def _read_metadata(self) -> ProviderMetadata:
        """Return the discovery document; requests share one, and its error for some seconds."""
        if self._metadata is None or self._is_old(self._metadata):
            self._metadata = asyncio.create_task(fetch_metadata(self._registration.issuer))
            self._read_at = self._clock()
        return await asyncio.shield(self._metadata)

    def _is_old(self, metadata: asyncio.Task[ProviderMetadata]) -> bool:
        if not metadata.done():
            return False
        has_failed = metadata.cancelled() or metadata.exception() is not None
        seconds = limits.UNKNOWN_KEY_REFRESH_SECONDS if has_failed else limits.KEYS_REFRESH_SECONDS
        return self._clock() - self._read_at > seconds

    async def _request_tokens(self, code: str, pending: PendingSignIn) -> dict[str, str]:
        """Exchange the code for an ID token (OpenID Connect Core 1.0, section 3.1.3)."""
        metadata, client = await self._read_metadata(), self._registration
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": client.redirect_uri,
            "code_verifier": pending.code_verifier,
        }
        headers = {}
        if client.client_secret is None:
            form["client_id"] = client.client_id
        elif _accepts_basic(metadata):
            headers["Authorization"] = _basic(client.client_id, client.client_secret)
        else:
            form["client_id"] = client.client_id
            form["client_secret"] = client.client_secret.get_secret_value()
        status, body = await fetch(metadata.url("token_endpoint"), form, headers)
        members = _json_object(body)
        if status != HTTPStatus.OK or not isinstance(members.get("id_token"), str):
            error = str(members.get("error", "no ID token"))[:_ERROR_CHARACTERS]
            raise _provider_error("token", status=status, error=error)
        return {name: value for name, value in members.items() if isinstance(value, str)}

    async def _request_user_info(self, access_token: str | None) -> Mapping[str, object]:
        metadata = await self._read_metadata()
        if access_token is None or "userinfo_endpoint" not in metadata.members:
            return {}
        headers = {"Authorization": f"Bearer {access_token}"}
        status, body = await fetch(metadata.url("userinfo_endpoint"), headers=headers)
        if status != HTTPStatus.OK:
            raise _provider_error("userinfo", status=status)
        return _json_object(body)


@contextmanager
def _provider_calls() -> Iterator[None]:
    """Log why the provider does not respond; the user is not shown its internal addresses."""
    try:
        yield
    except Unavailable as error:
        log.warning("OpenID provider unavailable", reason=error.message)
        raise ProviderUnavailable from None


def _provider_error(endpoint: str, **details: object) -> SignInFailed:
    log.warning("OpenID provider refused a sign-in", endpoint=endpoint, **details)
    return SignInFailed.because(SignInProblem.PROVIDER_ERROR)


def _accepts_basic(metadata: ProviderMetadata) -> bool:
    """Return whether the token endpoint accepts the header `Authorization: Basic`."""
    methods = metadata.members.get("token_endpoint_auth_methods_supported", [_BASIC])
    return isinstance(methods, list) and _BASIC in methods


def _basic(client_id: str, secret: SecretStr) -> str:
    """Return the credentials of a client (RFC 6749, section 2.3.1)."""
    pair = f"{quote_plus(client_id)}:{quote_plus(secret.get_secret_value())}"
    return f"Basic {b64encode(pair.encode()).decode()}"


def _json_object(body: bytes) -> dict[str, object]:
    """Return a JSON object; an empty one if the body is something else."""
    try:
        parsed = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _with_query(url: str, parameters: Mapping[str, str]) -> str:
    return f"{url}{'&' if '?' in url else '?'}{urlencode(parameters)}"
