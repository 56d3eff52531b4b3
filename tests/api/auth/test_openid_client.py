"""The code flow with a strict provider; nothing that a hostile one states signs in a user."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest
from structlog.testing import capture_logs

from api import limits
from api.auth.openid_client import OpenIdClient
from api.auth.pending_sign_in import PendingSignIn
from api.auth.sign_in_errors import ProviderUnavailable, SignInFailed, SignInProblem
from engine.tickets.actor import Actor
from tests.support.rotating_keys import Clock
from tests.support.sign_in_provider import SignInProvider, json_body, sign_in_provider
from tests.support.signers import ES256, NESTED, RS256, b64, to_bytes

ANNA = Actor("u_b1", "Anna K.", frozenset({"payment-team"}))


@pytest.fixture
async def provider() -> AsyncIterator[SignInProvider]:
    async with sign_in_provider() as started:
        yield started


async def finish(
    provider: SignInProvider,
    client: OpenIdClient | None = None,
    forge: Callable[[dict[str, str]], dict[str, str]] = dict,
) -> Actor:
    """Sign in; `forge` changes the parameters with which the browser comes back."""
    client = client or await provider.client()
    pending = PendingSignIn.start("/")
    response = provider.authorize(await client.authorization_url(pending))
    actor, id_token = await client.finish(pending, forge(response))
    assert id_token.count(".") == 2
    return actor


def warnings(logs: Sequence[Mapping[str, object]]) -> list[Mapping[str, object]]:
    return [each for each in logs if each["log_level"] == "warning"]


async def problem(*arguments: object, **named: object) -> SignInProblem:
    """Return why a sign-in fails."""
    with pytest.raises(SignInFailed) as failed:
        await finish(*arguments, **named)  # type: ignore[arg-type]  # passed through
    reason = failed.value.details["reason"]
    assert isinstance(reason, SignInProblem)
    return reason


CLIENTS: dict[str, dict[str, object]] = {
    "secret in the header, by default": {},
    "secret in the header": {"auth_methods": ["client_secret_post", "client_secret_basic"]},
    "secret in the form": {"auth_methods": ["client_secret_post"]},
    "public client": {"secret": None},
}


@pytest.mark.parametrize("attributes", CLIENTS.values(), ids=CLIENTS)
async def test_a_user_signs_in(attributes: dict[str, object]) -> None:
    async with sign_in_provider(**attributes) as provider:
        assert await finish(provider) == ANNA
        assert provider.requests == ["token"]


async def test_each_sign_in_has_its_own_secrets(provider: SignInProvider) -> None:
    client = await provider.client()
    urls = [await client.authorization_url(PendingSignIn.start("/")) for _ in range(5)]
    for name in ("state", "nonce", "code_challenge"):
        values = {parse_qs(urlsplit(url).query)[name][0] for url in urls}
        assert len(values) == 5
        assert min(map(len, values)) >= 43  # 256 bits


class TestUserInfo:
    async def test_it_adds_the_claims_that_the_id_token_lacks(
        self, provider: SignInProvider
    ) -> None:
        provider.claims = {"name": None, "groups": None, "admin": None}
        provider.user_info = {"sub": "u_b1", "name": "Anna", "groups": ["a"], "admin": True}
        assert await finish(provider) == Actor("u_b1", "Anna", frozenset({"a"}), is_admin=True)

    async def test_null_is_the_same_as_no_claim(self, provider: SignInProvider) -> None:
        provider.sign = lambda claims: RS256.token({**claims, "groups": None, "admin": None})
        provider.user_info = {"sub": "u_b1", "groups": ["a"]}
        assert await finish(provider) == Actor("u_b1", "Anna K.", frozenset({"a"}))

    async def test_the_id_token_comes_first(self, provider: SignInProvider) -> None:
        provider.claims = {"groups": None}
        provider.user_info = {"sub": "u_b1", "name": "Mallory", "groups": ["a"], "admin": True}
        assert await finish(provider) == Actor("u_b1", "Anna K.", frozenset({"a"}))

    async def test_it_must_be_about_the_same_user(self, provider: SignInProvider) -> None:
        provider.claims = {"groups": None}
        provider.user_info = {"sub": "u_a0", "groups": ["admins"]}
        assert await problem(provider) is SignInProblem.INVALID_ID_TOKEN

    async def test_its_error_fails_the_sign_in(self, provider: SignInProvider) -> None:
        provider.claims, provider.user_info = {"groups": None}, None
        assert await problem(provider) is SignInProblem.PROVIDER_ERROR

    async def test_a_provider_can_lack_it(self, provider: SignInProvider) -> None:
        provider.claims = {"groups": None, "admin": None}
        provider.members = {"userinfo_endpoint": None}
        assert await finish(provider) == Actor("u_b1", "Anna K.")


RESPONSES: dict[str, tuple[Callable[[dict[str, str]], dict[str, str]], SignInProblem]] = {
    "the state of another browser": (lambda by: by | {"state": "x"}, SignInProblem.NOT_STARTED),
    "no state": (lambda by: {"code": by["code"]}, SignInProblem.NOT_STARTED),
    "not ASCII": (lambda by: by | {"state": "é"}, SignInProblem.NOT_STARTED),
    "another issuer": (
        lambda by: by | {"iss": "https://evil.example"},
        SignInProblem.PROVIDER_ERROR,
    ),
    "another code": (lambda by: by | {"code": "x"}, SignInProblem.PROVIDER_ERROR),
    "no code": (lambda by: {"state": by["state"]}, SignInProblem.PROVIDER_ERROR),
    "denied": (
        lambda by: {"state": by["state"], "error": "access_denied"},
        SignInProblem.DENIED,
    ),
    "an error": (
        lambda by: {"state": by["state"], "error": "login_required" * 1_000},
        SignInProblem.PROVIDER_ERROR,
    ),
    "an error without state": (lambda _by: {"error": "access_denied"}, SignInProblem.NOT_STARTED),
}


@pytest.mark.parametrize(("forge", "expected"), RESPONSES.values(), ids=RESPONSES)
async def test_another_response_is_refused(
    provider: SignInProvider,
    forge: Callable[[dict[str, str]], dict[str, str]],
    expected: SignInProblem,
) -> None:
    with capture_logs() as logs:
        assert await problem(provider, forge=forge) is expected
    assert max((len(str(each)) for each in logs), default=0) < 500
    assert bool(warnings(logs)) is (expected is SignInProblem.PROVIDER_ERROR)


async def test_a_response_without_a_started_sign_in_is_refused(provider: SignInProvider) -> None:
    client = await provider.client()
    response = provider.authorize(await client.authorization_url(PendingSignIn.start("/")))
    with pytest.raises(SignInFailed, match="not started in this browser"):
        await client.finish(None, response)
    assert provider.requests == []


async def test_a_code_signs_in_once(provider: SignInProvider) -> None:
    client, pending = await provider.client(), PendingSignIn.start("/")
    response = provider.authorize(await client.authorization_url(pending))
    await client.finish(pending, response)
    with pytest.raises(SignInFailed):
        await client.finish(pending, response)


async def test_a_code_of_another_browser_does_not_sign_in(provider: SignInProvider) -> None:
    client, pending = await provider.client(), PendingSignIn.start("/")
    stolen = provider.authorize(await client.authorization_url(PendingSignIn.start("/")))
    with pytest.raises(SignInFailed):
        await client.finish(pending, stolen | {"state": pending.state})
    assert provider.requests == ["token"]  # PKCE


TOKENS: dict[str, Callable[[SignInProvider], object]] = {
    "of another sign-in": lambda by: by.claims.update(nonce="x"),
    "without nonce": lambda by: by.claims.update(nonce=None),
    "with a nonce that is no text": lambda by: by.claims.update(nonce=["x"]),
    "for another client": lambda by: by.claims.update(aud="desk"),
    "without audience": lambda by: by.claims.update(aud=None),
    "issued to another client": lambda by: by.claims.update(aud=["interlock", "b"], azp="b"),
    "by another issuer": lambda by: by.claims.update(iss="https://evil.example"),
    "expired": lambda by: by.claims.update(exp=1_000_000_000),
    "without expiry": lambda by: by.claims.update(exp=None),
    "not valid yet": lambda by: by.claims.update(nbf=4_000_000_000),
    "of no user": lambda by: by.claims.update(sub=None),
    "of system": lambda by: by.claims.update(sub="system"),
    "with too many groups": lambda by: by.claims.update(groups=[str(n) for n in range(201)]),
    "too large": lambda by: by.claims.update(x="y" * limits.TOKEN_CHARACTERS),
    "unsigned": lambda by: setattr(
        by, "sign", lambda claims: f"{b64(to_bytes({'alg': 'none'}))}.{b64(to_bytes(claims))}."
    ),
    "forged": lambda by: setattr(by, "sign", lambda claims: RS256.token(claims, sign=RS256.forge)),
    "signed with an unknown key": lambda by: setattr(by, "sign", ES256.token),
    "no token": lambda by: setattr(by, "sign", lambda _claims: "x"),
}


@pytest.mark.parametrize("change", TOKENS.values(), ids=TOKENS)
async def test_an_invalid_id_token_does_not_sign_in(
    provider: SignInProvider, change: Callable[[SignInProvider], object]
) -> None:
    change(provider)
    with capture_logs() as logs:
        assert await problem(provider) is SignInProblem.INVALID_ID_TOKEN
    [logged] = [each for each in logs if each["event"] == "ID token refused"]
    assert logged["reason"]


TOKEN_RESPONSES = {
    "an error": json_body(400, {"error": "invalid_grant"}),
    "an error of another kind": json_body(500, b"<html>"),
    "no JSON": json_body(200, b"<html>"),
    "no object": json_body(200, [1]),
    "deep JSON": json_body(200, NESTED),
    "no ID token": json_body(200, {"access_token": "at"}),
    "an ID token that is no text": json_body(200, {"id_token": 7}),
    "a redirect": json_body(307, {"id_token": "a.b.c"}),
}


@pytest.mark.parametrize("response", TOKEN_RESPONSES.values(), ids=TOKEN_RESPONSES)
async def test_another_response_of_the_token_endpoint_is_refused(
    provider: SignInProvider, response: object
) -> None:
    provider.tokens = response  # type: ignore[assignment]  # parametrized
    with capture_logs() as logs:
        assert await problem(provider) is SignInProblem.PROVIDER_ERROR
    assert [each["endpoint"] for each in warnings(logs)] == ["token"]


async def test_a_wrong_client_secret_is_refused(provider: SignInProvider) -> None:
    client = await provider.client()
    provider.secret = "another"  # noqa: S105  # of a test
    with capture_logs() as logs:
        assert await problem(provider, client) is SignInProblem.PROVIDER_ERROR
    assert [each["error"] for each in warnings(logs)] == ["invalid_client"]


class TestUnavailable:
    @pytest.mark.parametrize(
        "endpoint", ["authorization_endpoint", "token_endpoint", "userinfo_endpoint"]
    )
    @pytest.mark.parametrize("url", ["http://id.example/x", 7, "http://127.0.0.1:9/"])
    async def test_an_endpoint_that_is_not_safe_or_does_not_respond(
        self, provider: SignInProvider, endpoint: str, url: object
    ) -> None:
        if endpoint == "authorization_endpoint" and url == "http://127.0.0.1:9/":
            return  # only the browser sends requests to it
        provider.claims, provider.members = {"groups": None}, {endpoint: url}
        with capture_logs() as logs, pytest.raises(ProviderUnavailable) as failed:
            await finish(provider)
        assert "127.0.0.1" not in failed.value.message
        assert [each["event"] for each in warnings(logs)] == ["OpenID provider unavailable"]

    async def test_the_document_is_read_again_some_seconds_after_an_error(
        self, provider: SignInProvider
    ) -> None:
        clock = Clock()
        client = await provider.client(clock)
        provider.members = {"issuer": "https://evil.example"}
        before = provider.discoveries
        for _ in range(5):
            with pytest.raises(ProviderUnavailable):
                await client.authorization_url(PendingSignIn.start("/"))
        assert provider.discoveries == before + 1
        provider.members = {}
        clock.now += limits.UNKNOWN_KEY_REFRESH_SECONDS + 1
        assert await finish(provider, client) == ANNA

    async def test_users_who_sign_in_together_share_the_document(
        self, provider: SignInProvider
    ) -> None:
        clock = Clock()
        client = await provider.client(clock)
        before = provider.discoveries
        async with asyncio.TaskGroup() as group:
            for _ in range(3 * limits.PROVIDER_SIGN_INS):
                group.create_task(finish(provider, client))
        assert provider.discoveries == before + 1
        clock.now += limits.KEYS_REFRESH_SECONDS + 1
        await finish(provider, client)
        assert provider.discoveries == before + 2

    async def test_a_user_who_leaves_does_not_stop_the_others(
        self, provider: SignInProvider
    ) -> None:
        client = await provider.client()
        leaving = asyncio.create_task(client.authorization_url(PendingSignIn.start("/")))
        staying = asyncio.create_task(client.authorization_url(PendingSignIn.start("/")))
        await asyncio.sleep(0)
        leaving.cancel()
        assert (await staying).startswith(provider.issuer)


class TestSignOut:
    async def test_the_url_names_the_session(self, provider: SignInProvider) -> None:
        url = await (await provider.client()).sign_out_url("a.b.c")
        assert url
        assert url.startswith(f"{provider.issuer}/logout?")
        assert parse_qs(urlsplit(url).query) == {
            "realm": ["acme"],
            "client_id": ["interlock"],
            "id_token_hint": ["a.b.c"],
            "post_logout_redirect_uri": ["http://127.0.0.1:9/sign-in"],
        }

    async def test_a_provider_can_lack_it(self, provider: SignInProvider) -> None:
        provider.members = {"end_session_endpoint": None}
        assert await (await provider.client()).sign_out_url("a.b.c") is None


def test_the_challenge_is_that_of_the_standard() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    pending = replace(PendingSignIn.start("/"), code_verifier=verifier)
    assert pending.code_challenge == "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
