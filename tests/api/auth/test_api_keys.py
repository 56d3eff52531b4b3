"""API keys: told from others, held to their scopes, and configured without being written down."""

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

from api.auth.api_keys import ApiKeys, KeyEntry, KeyRequired, Scope, new_key, read_entries
from api.http.access import ApiKeyAccess, ProtectedRoute
from api.http.app_keys import ACTOR
from api.http.application import AccessControl, build_application
from api.settings import Settings
from engine.errors import Forbidden, Misconfigured
from tests.support.api_client import TOKENS, Client, bearer
from tests.support.command import interlock
from tests.support.personas import ADA

RELOADER, EXPORTER, SUCCESSOR, BOTH = (new_key() for _ in range(4))
DIGEST = sha256(RELOADER.encode()).hexdigest()
KEYS = ApiKeys(
    [
        KeyEntry.of(RELOADER, [Scope.RELOAD]),
        KeyEntry.of(EXPORTER, [Scope.EXPORT]),
        KeyEntry.of(SUCCESSOR, [Scope.RELOAD]),
        KeyEntry.of(BOTH, [Scope.RELOAD]),
        KeyEntry.of(BOTH, [Scope.EXPORT]),
    ]
)


async def answer(request: web.Request) -> web.Response:
    return web.Response(text=request[ACTOR].id if ACTOR in request else "no person")


ROUTES = [
    web.get("/for-people", answer),
    ProtectedRoute(ApiKeyAccess(Scope.RELOAD), web.post("/for-reloading", answer)),
    ProtectedRoute(ApiKeyAccess(Scope.EXPORT), web.get("/for-exporting", answer)),
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
)
def test_a_key_is_good_for_its_scopes(key: str, scope: Scope) -> None:
    assert sha256(key.encode()).hexdigest().startswith(KEYS.admit(key, scope))


@pytest.mark.parametrize(
    ("key", "scope"),
    [(RELOADER, Scope.EXPORT), (EXPORTER, Scope.RELOAD), (BOTH, Scope.HEALTH)],
)
def test_a_key_is_good_for_nothing_else(key: str, scope: Scope) -> None:
    with pytest.raises(Forbidden) as refused:
        KEYS.admit(key, scope)
    assert refused.value.details == {"reason": "scope_required", "scope": scope}
    assert key not in refused.value.message


UNKNOWN = {
    "another key": new_key(),
    "half a key": RELOADER[:-1],
    "more than a key": RELOADER + "x",
    "a key in other letters": RELOADER.upper(),
    "two keys": f"{RELOADER}, {RELOADER}",
    "the hash of a key": DIGEST,
    "an entry": str(KeyEntry.of(RELOADER, [Scope.RELOAD])),
    "letters beyond ASCII": "ié",
    "half a surrogate pair": "\udcff",
    "a very long key": RELOADER * 1_000,
}


@pytest.mark.parametrize("key", UNKNOWN.values(), ids=UNKNOWN)
def test_another_text_is_no_key(key: str) -> None:
    with pytest.raises(KeyRequired) as refused:
        KEYS.admit(key, Scope.RELOAD)
    assert refused.value.details == {"reason": "unknown_key"}


@given(st.binary(min_size=1).map(lambda noise: noise.decode("utf-8", "surrogateescape")))
def test_noise_is_no_key(noise: str) -> None:
    with pytest.raises(KeyRequired):
        KEYS.admit(noise, Scope.RELOAD)


def test_no_key_is_missing_even_where_none_is_configured() -> None:
    for keys in (KEYS, ApiKeys([])):
        with pytest.raises(KeyRequired) as refused:
            keys.admit("", Scope.RELOAD)
        assert refused.value.details == {"reason": "missing"}


def test_a_key_is_replaced_while_both_are_good() -> None:
    old, new = KeyEntry.of(RELOADER, [Scope.RELOAD]), KeyEntry.of(SUCCESSOR, [Scope.RELOAD])
    steps = [ApiKeys(read_entries(text)) for text in (str(old), f"{old}, {new}", str(new))]
    assert [is_admitted(keys, RELOADER) for keys in steps] == [True, True, False]
    assert [is_admitted(keys, SUCCESSOR) for keys in steps] == [False, True, True]


def is_admitted(keys: ApiKeys, key: str) -> bool:
    try:
        keys.admit(key, Scope.RELOAD)
    except KeyRequired:
        return False
    return True


@pytest.mark.parametrize("key", [RELOADER, BOTH, new_key()], ids=["first", "last", "unknown"])
def test_a_key_is_compared_with_every_entry_in_constant_time(
    key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[bytes] = []

    def compare(entry: bytes, digest: bytes) -> bool:
        compared.append(entry)
        return compare_digest(entry, digest)

    monkeypatch.setattr("api.auth.api_keys.compare_digest", compare)
    is_admitted(KEYS, key)
    assert len(compared) == 5


def test_a_new_key_has_256_random_bits() -> None:
    keys = {new_key() for _ in range(100)}
    assert len(keys) == 100
    assert {(key[:3], len(key)) for key in keys} == {("ik_", 3 + 43)}


# --- at the door --------------------------------------------------------------------------------

WAYS: dict[str, tuple[str, dict[str, str], int, str | None]] = {
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
    "a token, of an admin even": ("POST /for-reloading", bearer(ADA), 401, "missing"),
    "a key for people": ("GET /for-people", {"X-API-Key": BOTH}, 401, "missing"),
    "HEAD, which comes with GET": ("HEAD /for-exporting", {"X-API-Key": EXPORTER}, 200, None),
    "HEAD by a person": ("HEAD /for-exporting", bearer(ADA), 401, None),
    "another method": ("PUT /for-reloading", {}, 405, None),
}


@pytest.mark.parametrize(("asked", "headers", "status", "reason"), WAYS.values(), ids=WAYS)
async def test_a_route_takes_those_whom_it_declares(
    asked: str, headers: dict[str, str], status: int, reason: str | None, client: Client
) -> None:
    method, path = asked.split()
    async with client.request(method, path, headers=headers) as response:
        assert response.status == status
        if reason is not None:
            assert (await response.json(content_type=None))["reason"] == reason


async def test_a_machine_is_told_how_to_enter(client: Client) -> None:
    async with client.post("/for-reloading") as response:
        assert response.headers["WWW-Authenticate"] == 'ApiKey realm="interlock"'
        assert "X-API-Key" in (await response.json(content_type=None))["detail"]


async def test_a_machine_is_no_person(client: Client) -> None:
    async with client.post("/for-reloading", headers={"X-API-Key": RELOADER}) as response:
        assert await response.text() == "no person"


async def test_no_answer_and_no_line_of_the_log_shows_a_key(client: Client) -> None:
    with capture_logs() as lines:
        for key in (RELOADER, EXPORTER, "ik_secret"):
            async with client.post("/for-reloading", headers={"X-API-Key": key}) as response:
                assert key not in await response.text()
    assert len(lines) == 3
    assert not any(key in repr(lines) for key in (RELOADER, EXPORTER, "ik_secret"))


# --- in the configuration -----------------------------------------------------------------------


@pytest.mark.parametrize("between", [",", " ", ", ", "\n", " ,\n"])
def test_entries_are_separated_by_commas_or_spaces(between: str) -> None:
    entries = (
        KeyEntry.of(RELOADER, [Scope.RELOAD]),
        KeyEntry.of(EXPORTER, [Scope.EXPORT, Scope.HEALTH]),
    )
    text = between.join(map(str, entries))
    assert Settings.from_env({"INTERLOCK_API_KEYS": text}).api_keys == entries
    assert read_entries(f"{between}{text}{between}") == entries


WRONG = {
    "a key for an entry": (RELOADER, "entry 1 has no '='"),
    "a key for a hash": (f"reload={RELOADER}", "the '=' of entry 1 is not the 64 hex digits"),
    "half a hash": (f"reload={DIGEST[:32]}", "not the 64 hex digits"),
    "no scope": (f"={DIGEST}", "entry 1 has a scope that is none of reload, export, health"),
    "a scope too many": (f"reload+={DIGEST}", "a scope that is none of"),
    "a misspelt scope": (f"relaod={DIGEST}", "Did you mean 'reload'?"),
    "a key before the hash": (f"{RELOADER}={DIGEST}", "a scope that is none of"),
    "the second entry": (f"reload={DIGEST}, export", "entry 2 has no '='"),
}


@pytest.mark.parametrize(("text", "sentence"), WRONG.values(), ids=WRONG)
def test_a_wrong_entry_gets_a_sentence_that_quotes_nothing(text: str, sentence: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        Settings.from_env({"INTERLOCK_API_KEYS": text})
    assert refused.value.message.startswith("INTERLOCK_API_KEYS must be entries such as")
    assert sentence in refused.value.message
    assert RELOADER not in refused.value.message
    assert DIGEST not in refused.value.message


# --- on the command line ------------------------------------------------------------------------


def test_the_command_prints_a_key_and_apart_from_it_the_entry() -> None:
    done = interlock("api-key", "--scope", "reload", "--scope", "export")
    assert done.returncode == 0
    key, entry = done.stdout.removesuffix("\n"), done.stderr.removesuffix("\n")
    assert "\n" not in key + entry
    keys = ApiKeys(read_entries(entry))
    assert keys.admit(key, Scope.RELOAD) == keys.admit(key, Scope.EXPORT)


@pytest.mark.parametrize("words", [(), ("--scope", "everything")])
def test_the_command_wants_scopes_that_there_are(words: tuple[str, ...]) -> None:
    done = interlock("api-key", *words)
    assert (done.returncode, done.stdout) == (64, "")
    assert "--scope" in done.stderr
