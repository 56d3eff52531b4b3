"""API keys authenticate machines within their scopes, and are configured as hashes."""

from collections.abc import AsyncIterator
from hashlib import sha256
from hmac import compare_digest

import pytest
import pytest_asyncio
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from api.auth.api_keys import (
    ApiKeyEntry,
    ApiKeyRequired,
    ApiKeys,
    Scope,
    generate_api_key,
    parse_api_keys,
)
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.http.app_keys import ACTOR
from api.http.application import AccessControl, build_application
from api.settings import Settings
from engine.errors import Forbidden, Misconfigured
from tests.support.api_client import TOKENS, Client, bearer
from tests.support.personas import ADA

RELOADER, EXPORTER, SUCCESSOR, BOTH = (generate_api_key() for _ in range(4))
DIGEST = sha256(RELOADER.encode()).hexdigest()
KEYS = ApiKeys(
    [
        ApiKeyEntry.for_key(RELOADER, [Scope.RELOAD]),
        ApiKeyEntry.for_key(EXPORTER, [Scope.EXPORT]),
        ApiKeyEntry.for_key(SUCCESSOR, [Scope.RELOAD]),
        ApiKeyEntry.for_key(BOTH, [Scope.RELOAD]),
        ApiKeyEntry.for_key(BOTH, [Scope.EXPORT]),
    ]
)


async def respond(request: web.Request) -> web.Response:
    return web.Response(text=request[ACTOR].id if ACTOR in request else "no user")


ROUTES = [
    web.get("/for-users", respond),
    ProtectedRoute(ApiKeyAccess(Scope.RELOAD), web.post("/for-reloading", respond)),
    ProtectedRoute(ApiKeyAccess(Scope.EXPORT), web.get("/for-exporting", respond)),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def client() -> AsyncIterator[Client]:
    application = build_application(ROUTES, AccessControl(TOKENS, KEYS))
    async with TestClient(TestServer(application)) as client:
        yield client


@pytest.mark.parametrize(
    ("key", "scope"),
    [
        (RELOADER, Scope.RELOAD),
        (SUCCESSOR, Scope.RELOAD),
        (EXPORTER, Scope.EXPORT),
        (BOTH, Scope.RELOAD),
        (BOTH, Scope.EXPORT),
    ],
    ids=["first", "second", "another scope", "the first of two", "the second of two"],
)
def test_a_key_is_accepted_for_its_scopes(key: str, scope: Scope) -> None:
    assert sha256(key.encode()).hexdigest().startswith(KEYS.authenticate(key, scope))


@pytest.mark.parametrize(
    ("key", "scope"),
    [(RELOADER, Scope.EXPORT), (EXPORTER, Scope.RELOAD), (BOTH, Scope.HEALTH)],
    ids=["reload for export", "export for reload", "two others"],
)
def test_a_key_is_refused_for_other_scopes(key: str, scope: Scope) -> None:
    with pytest.raises(Forbidden) as refused:
        KEYS.authenticate(key, scope)
    assert refused.value.details == {"reason": "scope_required", "scope": scope}
    assert key not in refused.value.message


UNKNOWN = {
    "another key": generate_api_key(),
    "half a key": RELOADER[:-1],
    "more than a key": RELOADER + "x",
    "a key in upper case": RELOADER.upper(),
    "two keys": f"{RELOADER}, {RELOADER}",
    "the hash of a key": DIGEST,
    "an entry": str(ApiKeyEntry.for_key(RELOADER, [Scope.RELOAD])),
    "characters other than ASCII": "ié",
    "half a surrogate pair": "\udcff",
    "a very long key": RELOADER * 1_000,
}


@pytest.mark.parametrize("key", UNKNOWN.values(), ids=UNKNOWN)
def test_an_unknown_key_is_refused(key: str) -> None:
    with pytest.raises(ApiKeyRequired) as refused:
        KEYS.authenticate(key, Scope.RELOAD)
    assert refused.value.details == {"reason": "unknown_key"}


@given(st.binary(min_size=1).map(lambda noise: noise.decode("utf-8", "surrogateescape")))
def test_random_text_is_refused(noise: str) -> None:
    with pytest.raises(ApiKeyRequired):
        KEYS.authenticate(noise, Scope.RELOAD)


def test_an_empty_key_is_missing_even_if_none_is_configured() -> None:
    for keys in (KEYS, ApiKeys([])):
        with pytest.raises(ApiKeyRequired) as refused:
            keys.authenticate("", Scope.RELOAD)
        assert refused.value.details == {"reason": "missing"}


def test_both_keys_are_accepted_while_one_replaces_the_other() -> None:
    old, new = (
        ApiKeyEntry.for_key(RELOADER, [Scope.RELOAD]),
        ApiKeyEntry.for_key(SUCCESSOR, [Scope.RELOAD]),
    )
    steps = [ApiKeys(parse_api_keys(text)) for text in (str(old), f"{old}, {new}", str(new))]
    assert [is_accepted(keys, RELOADER) for keys in steps] == [True, True, False]
    assert [is_accepted(keys, SUCCESSOR) for keys in steps] == [False, True, True]


def is_accepted(keys: ApiKeys, key: str) -> bool:
    try:
        keys.authenticate(key, Scope.RELOAD)
    except ApiKeyRequired:
        return False
    return True


@pytest.mark.parametrize(
    "key", [RELOADER, BOTH, generate_api_key()], ids=["first", "last", "unknown"]
)
def test_a_key_is_compared_with_every_entry_in_constant_time(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []

    def compare(entry: bytes, digest: bytes) -> bool:
        compared.append(entry)
        return compare_digest(entry, digest)

    monkeypatch.setattr("api.auth.api_keys.compare_digest", compare)
    is_accepted(KEYS, key)
    assert len(compared) == 5


def test_a_new_key_has_256_random_bits() -> None:
    keys = {generate_api_key() for _ in range(100)}
    assert len(keys) == 100
    assert {(key[:3], len(key)) for key in keys} == {("ik_", 3 + 43)}


# --- routes --------------------------------------------------------------------------------------

REQUESTS: dict[str, tuple[str, dict[str, str], int, str | None]] = {
    "a key": ("POST /for-reloading", {"X-API-Key": RELOADER}, 200, None),
    "no key": ("POST /for-reloading", {}, 401, "missing"),
    "an empty key": ("POST /for-reloading", {"X-API-Key": ""}, 401, "missing"),
    "an unknown key": ("POST /for-reloading", {"X-API-Key": "ik_x"}, 401, "unknown_key"),
    "a key of another scope": (
        "POST /for-reloading",
        {"X-API-Key": EXPORTER},
        403,
        "scope_required",
    ),
    "a token of an admin": ("POST /for-reloading", bearer(ADA), 401, "missing"),
    "a key where a token is required": ("GET /for-users", {"X-API-Key": BOTH}, 401, "missing"),
    "HEAD, which comes with GET": ("HEAD /for-exporting", {"X-API-Key": EXPORTER}, 200, None),
    "HEAD by a user": ("HEAD /for-exporting", bearer(ADA), 401, None),
    "another method": ("PUT /for-reloading", {}, 405, None),
}


@pytest.mark.parametrize(
    ("request_line", "headers", "status", "reason"), REQUESTS.values(), ids=REQUESTS
)
async def test_a_route_accepts_the_credentials_that_it_declares(
    request_line: str, headers: dict[str, str], status: int, reason: str | None, client: Client
) -> None:
    method, path = request_line.split()
    async with client.request(method, path, headers=headers) as response:
        assert response.status == status
        if reason is not None:
            assert (await response.json(content_type=None))["reason"] == reason


async def test_a_response_says_how_to_authenticate(client: Client) -> None:
    async with client.post("/for-reloading") as response:
        assert response.headers["WWW-Authenticate"] == 'ApiKey realm="interlock"'
        assert "X-API-Key" in (await response.json(content_type=None))["detail"]


async def test_a_machine_is_not_a_user(client: Client) -> None:
    async with client.post("/for-reloading", headers={"X-API-Key": RELOADER}) as response:
        assert await response.text() == "no user"


async def test_no_response_and_no_log_line_contains_a_key(client: Client) -> None:
    with capture_logs() as lines:
        for key in (RELOADER, EXPORTER, "ik_secret"):
            async with client.post("/for-reloading", headers={"X-API-Key": key}) as response:
                assert key not in await response.text()
    assert len(lines) == 3
    assert not any(key in repr(lines) for key in (RELOADER, EXPORTER, "ik_secret"))


# --- settings -----------------------------------------------------------------------------------


@pytest.mark.parametrize("between", [",", " ", ", ", "\n", " ,\n"])
def test_entries_are_separated_by_commas_or_spaces(between: str) -> None:
    entries = (
        ApiKeyEntry.for_key(RELOADER, [Scope.RELOAD]),
        ApiKeyEntry.for_key(EXPORTER, [Scope.EXPORT, Scope.HEALTH]),
    )
    text = between.join(map(str, entries))
    assert Settings.from_env({"INTERLOCK_API_KEYS": text}).api_keys == entries
    assert parse_api_keys(f"{between}{text}{between}") == entries


WRONG = {
    "a key for an entry": (RELOADER, "entry 1 has no '='"),
    "a key for a hash": (
        f"reload={RELOADER}",
        "the part after '=' in entry 1 is not the 64 hex digits",
    ),
    "half a hash": (f"reload={DIGEST[:32]}", "not the 64 hex digits"),
    "no scope": (
        f"={DIGEST}",
        "entry 1 has a scope other than reload, acknowledge, export, health",
    ),
    "a scope too many": (f"reload+={DIGEST}", "a scope other than"),
    "a misspelt scope": (f"relaod={DIGEST}", "Did you mean 'reload'?"),
    "a key before the hash": (f"{RELOADER}={DIGEST}", "a scope other than"),
    "the second entry": (f"reload={DIGEST}, export", "entry 2 has no '='"),
}


@pytest.mark.parametrize(("text", "message"), WRONG.values(), ids=WRONG)
def test_an_invalid_entry_is_refused_and_not_quoted(text: str, message: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        Settings.from_env({"INTERLOCK_API_KEYS": text})
    assert refused.value.message.startswith("INTERLOCK_API_KEYS must be entries such as")
    assert message in refused.value.message
    assert RELOADER not in refused.value.message
    assert DIGEST not in refused.value.message
