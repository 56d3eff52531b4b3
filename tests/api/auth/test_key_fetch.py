"""Providers of keys that do not answer as they should, and how they are discovered."""

from collections.abc import Callable
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
from api.auth import Tokens, key_fetch
from api.auth.jwks import keys_in
from api.auth.key_fetch import from_address, from_issuer
from api.auth.key_sources import LiveKeys
from api.http.application import AccessControl, build_application
from api.rest.health import probe_routes
from engine.errors import Unavailable
from tests.api.auth.test_errors import answer, bearer
from tests.support.oidc_provider import Provider, provider
from tests.support.rotating_keys import AT_ONCE, BY_RSA, Clock
from tests.support.signers import RSA_JWK, jwks


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


def read_at(live: LiveKeys) -> float:
    """Return the metric that tells when the keys could be read last."""
    [collector] = live.collectors
    [metric] = collector.collect()
    [sample] = metric.samples
    assert sample.name == "interlock_token_keys_read_timestamp_seconds"
    return sample.value


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
    before = read_at(live)
    assert before > 0
    fail(issuer)
    with capture_logs() as lines:
        for _ in range(3):
            if not issuer.answering.is_set():
                monkeypatch.setattr(key_fetch, "TIMEOUT", ClientTimeout(total=0.05))
            clock.now += AT_ONCE
            await live.renew()
    [line] = lines
    assert (line["log_level"], line["old_keys_in_use"]) == ("error", True)
    assert read_at(live) == before
    assert reason in line["reason"]
    assert (await tokens.identified(BY_RSA)).id == "u_b1"


async def test_a_server_whose_provider_is_down_starts_and_is_not_ready_until_it_is_up(
    issuer: Provider, live: LiveKeys, tokens: Tokens, clock: Clock
) -> None:
    async def ready() -> None:
        live.check()

    issuer.status = 503
    await live.begin()
    application = build_application(
        [web.get("/", answer), *probe_routes(ready)], AccessControl(tokens)
    )
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
