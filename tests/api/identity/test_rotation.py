"""Keys that change while the server runs, and providers that do not answer as they should."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from ssl import PROTOCOL_TLS_SERVER, SSLContext

import pytest
from aiohttp import ClientTimeout, web
from aiohttp.test_utils import TestClient, TestServer
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from structlog.testing import capture_logs

from api import limits
from api.http.application import Guards, build_application
from api.identity import TokenRefusal, Tokens, fetching
from api.identity.fetching import from_address, from_file, from_issuer
from api.identity.key_set import keys_in
from api.identity.key_sources import LiveKeys, Read
from engine.errors import Misconfigured, Unauthenticated, Unavailable
from tests.api.identity.provider import Provider, provider
from tests.api.identity.signers import CURVE_JWK, ES256, GOOD, NOW, OTHER_JWK, RS256, RSA_JWK, jwks
from tests.api.identity.test_refusals import answer, bearer

CLAIMS = {name: GOOD[name] for name in ("sub", "name", "exp")}
BY_RSA = RS256.token(CLAIMS)
BY_CURVE = ES256.token(CLAIMS)
AT_ONCE = limits.KEYS_AT_ONCE_SECONDS


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer() -> AsyncIterator[Provider]:
    """Return a provider with an RSA key and another."""
    async with provider(RSA_JWK, OTHER_JWK) as started:
        yield started


@pytest.fixture
def live(issuer: Provider, clock: Clock) -> LiveKeys:
    return LiveKeys(from_address(issuer.address), issuer.address, clock=clock)


@pytest.fixture
def tokens(live: LiveKeys) -> Tokens:
    return Tokens(live, clock=lambda: NOW)


async def refusal(tokens: Tokens, token: str) -> object:
    """Return why a token is refused."""
    with pytest.raises(Unauthenticated) as refused:
        await tokens.identified(token)
    return refused.value.details["reason"]


async def test_a_token_of_a_new_key_is_taken_at_once(
    issuer: Provider, live: LiveKeys, tokens: Tokens, clock: Clock
) -> None:
    await live.begin()
    clock.now += AT_ONCE
    issuer.publish(RSA_JWK, CURVE_JWK)
    assert (await tokens.identified(BY_CURVE)).id == "u_b1"
    assert (await tokens.identified(BY_RSA)).id == "u_b1"
    assert issuer.asked == 2


async def test_unknown_keys_cause_one_reading_in_a_while(
    issuer: Provider, live: LiveKeys, tokens: Tokens, clock: Clock
) -> None:
    await live.begin()
    clock.now += AT_ONCE
    unknown = [RS256.token(CLAIMS, RS256.header | {"kid": f"k{n}"}) for n in range(30)]
    reasons = await asyncio.gather(*(refusal(tokens, each) for each in unknown))
    assert {*reasons} == {TokenRefusal.UNKNOWN_KEY}
    assert issuer.asked == 2
    clock.now += AT_ONCE - 0.1
    issuer.publish(RSA_JWK, CURVE_JWK)
    assert await refusal(tokens, BY_CURVE) is TokenRefusal.UNKNOWN_KEY
    clock.now += 0.1
    assert (await tokens.identified(BY_CURVE)).id == "u_b1"
    assert issuer.asked == 3


async def test_whoever_comes_while_keys_are_read_waits_for_them(
    issuer: Provider, live: LiveKeys, tokens: Tokens, clock: Clock
) -> None:
    await live.begin()
    clock.now += AT_ONCE
    issuer.publish(CURVE_JWK)
    issuer.answering.clear()
    waiting = [asyncio.create_task(tokens.identified(BY_CURVE)) for _ in range(3)]
    issuer.heard.clear()
    await issuer.heard.wait()
    waiting[0].cancel()
    with suppress(asyncio.CancelledError):
        await waiting[0]
    issuer.answering.set()
    assert {each.id for each in await asyncio.gather(*waiting[1:])} == {"u_b1"}
    assert issuer.asked == 2


async def test_a_token_that_no_key_could_make_good_causes_no_reading(
    issuer: Provider, live: LiveKeys, tokens: Tokens, clock: Clock
) -> None:
    await live.begin()
    clock.now += AT_ONCE
    for token in ("a.b.c", RS256.token(sign=RS256.forge), RS256.token(GOOD, {"alg": "none"})):
        await refusal(tokens, token)
    assert issuer.asked == 1


async def test_tokens_of_a_key_that_was_removed_are_refused_though_they_were_known(
    issuer: Provider, live: LiveKeys, tokens: Tokens, clock: Clock
) -> None:
    await live.begin()
    assert tokens.actor_of(BY_RSA) == tokens.actor_of(BY_RSA)
    issuer.publish(CURVE_JWK, OTHER_JWK)
    clock.now += AT_ONCE
    await live.renew()
    assert await refusal(tokens, BY_RSA) is TokenRefusal.UNKNOWN_KEY


async def test_keys_are_read_from_time_to_time(issuer: Provider, tokens: Tokens) -> None:
    live = LiveKeys(from_address(issuer.address), issuer.address, every=0)
    tokens = Tokens(live, clock=lambda: NOW)
    await live.begin()
    following = asyncio.create_task(live.follow())
    issuer.publish(CURVE_JWK)
    async with asyncio.timeout(20):
        while await taken(tokens, BY_RSA) or not await taken(tokens, BY_CURVE):
            issuer.heard.clear()
            await issuer.heard.wait()
    following.cancel()


async def taken(tokens: Tokens, token: str) -> bool:
    """Tell whether a token is good by the keys that are known."""
    try:
        tokens.actor_of(token)
    except Unauthenticated:
        return False
    return True


# --- providers that do not answer as they should ------------------------------------------------


def broken(**answer: object) -> Callable[[Provider], None]:
    def change(issuer: Provider) -> None:
        for name, value in answer.items():
            setattr(issuer, name, value)

    return change


BROKEN: dict[str, tuple[Callable[[Provider], None], str]] = {
    "an error": (broken(status=500), "answers 500, not 200"),
    "nothing there": (broken(status=404), "answers 404, not 200"),
    "a redirect": (
        broken(status=302, headers={"Location": "http://127.0.0.1:1/keys"}),
        "answers 302, not 200",
    ),
    "no JSON": (broken(keys=b"<html>"), "no JSON Web Key Set"),
    "no keys": (broken(keys=jwks()), "no key that can check tokens"),
    "more than a set": (broken(keys=b" " * (limits.JWKS_BYTES + 1)), "holds more than 262,144"),
    "a compressed answer": (
        broken(keys=b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"}),
        "no JSON Web Key Set",
    ),
    "no answer": (lambda issuer: issuer.answering.clear(), "can't be fetched: "),
}


@pytest.mark.parametrize(("fail", "reason"), BROKEN.values(), ids=BROKEN)
async def test_what_can_not_be_read_leaves_the_known_keys_in_use(
    fail: Callable[[Provider], None],
    reason: str,
    issuer: Provider,
    live: LiveKeys,
    tokens: Tokens,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await live.begin()
    fail(issuer)
    with capture_logs() as lines:
        for _ in range(3):
            if not issuer.answering.is_set():
                monkeypatch.setattr(fetching, "TIMEOUT", ClientTimeout(total=0.05))
            clock.now += AT_ONCE
            await live.renew()
    [line] = lines
    assert (line["log_level"], line["old_keys_in_use"]) == ("error", True)
    assert reason in line["reason"]
    assert (await tokens.identified(BY_RSA)).id == "u_b1"


async def test_a_server_whose_provider_is_down_starts_and_is_not_ready_until_it_is_up(
    issuer: Provider, live: LiveKeys, tokens: Tokens, clock: Clock
) -> None:
    async def ready() -> None:
        live.check()

    issuer.status = 503
    await live.begin()
    application = build_application([web.get("/", answer)], Guards(tokens), ready)
    async with TestClient(TestServer(application)) as client:
        with capture_logs() as lines:
            async with client.get("/readyz") as response:
                assert response.status == 503
        assert "answers 503, not 200" in str(lines[0]["exc_info"].__cause__ or lines[0]["exc_info"])
        async with client.get("/", headers=bearer(BY_RSA)) as response:
            assert response.status == 503
            assert (await response.json(content_type=None))["code"] == "unavailable"
        issuer.status = 200
        clock.now += AT_ONCE
        async with client.get("/", headers=bearer(BY_RSA)) as response:
            assert response.status == 200
        async with client.get("/readyz") as response:
            assert response.status == 200


async def test_nobody_listening_is_a_reason(clock: Clock) -> None:
    async with provider(RSA_JWK) as gone:
        address = gone.address
    live = LiveKeys(from_address(address), address, clock=clock)
    await live.begin()
    with pytest.raises(Unavailable, match="can't be fetched"):
        live.check()
    with pytest.raises(Unavailable, match="Tokens can't be checked yet"):
        _ = live.keys


async def test_a_provider_must_prove_who_it_is(tmp_path: Path) -> None:
    async with provider(RSA_JWK, ssl=of_nobody(tmp_path)) as impostor:
        assert impostor.address.startswith("https://")
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await from_address(impostor.address)()


def of_nobody(folder: Path) -> SSLContext:
    """Return the certificate of somebody whom nobody vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    today = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(today - timedelta(days=1))
        .not_valid_after(today + timedelta(days=1))
        .add_extension(
            x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False
        )
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    file.write_bytes(private + certificate.public_bytes(Encoding.PEM))
    context = SSLContext(PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    return context


# --- OpenID Connect Discovery -------------------------------------------------------------------


async def test_an_issuer_says_where_its_keys_are(issuer: Provider) -> None:
    for address in (issuer.issuer, f"{issuer.issuer}/"):
        issuer.discovery = {"issuer": address, "jwks_uri": issuer.address, "more": [1]}
        found = keys_in(await from_issuer(address)())
        assert [key.id for key in found.keys] == ["rsa-1", "rsa-2"]


def stated(**changed: object) -> Callable[[Provider], dict[str, object]]:
    return lambda by: {"issuer": by.issuer, "jwks_uri": by.address} | changed


DISCOVERED: dict[str, tuple[Callable[[Provider], object], str]] = {
    "another issuer": (stated(issuer="https://id.example"), "the document of 'https://id.example'"),
    "an issuer with a slash more": (
        lambda by: stated(issuer=f"{by.issuer}/")(by),
        "is the document of",
    ),
    "no issuer": (lambda by: {"jwks_uri": by.address}, "no OpenID discovery document"),
    "no keys": (lambda by: {"issuer": by.issuer}, "no OpenID discovery document"),
    "a list": (lambda _: [], "no OpenID discovery document"),
    "keys by http": (stated(jwks_uri="http://id.example/keys"), "keys are taken by https"),
    "keys in a file": (stated(jwks_uri="file:///etc/passwd"), "jwks_uri can't be used"),
    "keys nowhere": (stated(jwks_uri=7), "jwks_uri can't be used"),
    "keys behind a broken address": (stated(jwks_uri="https://[id.example"), "jwks_uri can't be"),
}


@pytest.mark.parametrize(("document", "reason"), DISCOVERED.values(), ids=DISCOVERED)
async def test_a_discovery_document_is_refused(
    document: Callable[[Provider], dict[str, object]], reason: str, issuer: Provider
) -> None:
    issuer.discovery = document(issuer)
    with pytest.raises(Unavailable, match=reason):
        await from_issuer(issuer.issuer)()
    assert issuer.asked == 0


# --- files --------------------------------------------------------------------------------------


@pytest.fixture
def file(tmp_path: Path) -> Path:
    written = tmp_path / "jwks.json"
    written.write_bytes(jwks(RSA_JWK))
    return written


def write(file: Path, content: bytes) -> None:
    file.write_bytes(content)


def kept_in(file: Path, clock: Callable[[], float]) -> LiveKeys:
    return LiveKeys(from_file(file), str(file), must_begin=True, clock=clock)


async def test_a_file_is_read_again(file: Path, clock: Clock) -> None:
    live = kept_in(file, clock)
    tokens = Tokens(live, clock=lambda: NOW)
    await live.begin()
    assert (await tokens.identified(BY_RSA)).id == "u_b1"
    for content, token, other in (
        (jwks(CURVE_JWK, OTHER_JWK), BY_CURVE, BY_RSA),
        (b'{"keys": [', BY_CURVE, BY_RSA),
        (jwks(RSA_JWK, OTHER_JWK), BY_RSA, BY_CURVE),
    ):
        clock.now += AT_ONCE
        write(file, content)
        await live.renew()
        assert (await tokens.identified(token)).id == "u_b1"
        assert await refusal(tokens, other) is TokenRefusal.UNKNOWN_KEY


def replace_by_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


FILES: dict[str, tuple[Callable[[Path], object], str]] = {
    "no file": (lambda file: file.unlink(), "can't be read: No such file"),
    "a folder": (replace_by_folder, "can't be read: Is a directory"),
    "no set": (lambda file: file.write_text("{}"), "it is no JSON Web Key Set"),
    "a weak key": (
        lambda file: file.write_text(json.dumps({"keys": [RSA_JWK | {"n": "_" * 100}]})),
        "has 600 bits",
    ),
    "a file too large": (
        lambda file: file.write_bytes(b" " * (limits.JWKS_BYTES + 1)),
        "holds more than 262,144 bytes",
    ),
}


@pytest.mark.parametrize(("spoil", "reason"), FILES.values(), ids=FILES)
async def test_a_server_does_not_start_without_its_file(
    spoil: Callable[[Path], object], reason: str, file: Path, clock: Clock
) -> None:
    spoil(file)
    with pytest.raises(Misconfigured, match=reason):
        await kept_in(file, clock).begin()


async def test_a_fault_of_ours_leaves_the_keys_in_use_and_is_told(clock: Clock) -> None:
    answers: list[Read] = []

    async def read() -> bytes:
        return await answers.pop()()

    async def fail() -> bytes:
        raise RuntimeError("out of order")

    async def succeed() -> bytes:
        return jwks(RSA_JWK)

    answers[:] = [fail, succeed]
    live = LiveKeys(read, "somewhere", clock=clock)
    await live.begin()
    clock.now += AT_ONCE
    with capture_logs() as lines:
        await live.renew()
    assert [line["reason"] for line in lines] == ["out of order"]
    assert live.keys.keys
