"""Keys are fetched from a provider; invalid responses change nothing."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from aiohttp import ClientTimeout, web
from aiohttp.test_utils import TestClient, TestServer
from structlog.testing import capture_logs

from api import limits
from api.auth import key_fetch
from api.auth.jwks import parse_jwks
from api.auth.key_fetch import fetch_issuer_keys, fetch_keys
from api.auth.key_sources import RefreshedKeys
from api.auth.tokens import TokenVerifier
from api.http.application import AccessControl, build_application
from api.rest.health import probe_routes
from engine.errors import Unavailable
from tests.api.auth.test_errors import respond
from tests.support.certificates import self_signed
from tests.support.oidc_provider import Provider, provider
from tests.support.rotating_keys import REFRESH_SECONDS, RSA_TOKEN, Clock
from tests.support.signers import RSA_JWK, authorization, jwks


def broken(**attributes: object) -> Callable[[Provider], None]:
    def change(issuer: Provider) -> None:
        for name, value in attributes.items():
            setattr(issuer, name, value)

    return change


BROKEN: dict[str, tuple[Callable[[Provider], None], str]] = {
    "an error": (broken(status=500), "returned status 500, not 200"),
    "not found": (broken(status=404), "returned status 404, not 200"),
    "a redirect": (
        broken(status=302, headers={"Location": "http://127.0.0.1:1/keys"}),
        "returned status 302, not 200",
    ),
    "no JSON": (broken(keys=b"<html>"), "not a JSON Web Key Set"),
    "no keys": (broken(keys=jwks()), "no usable key"),
    "too large a response": (broken(keys=b" " * (limits.JWKS_BYTES + 1)), "is larger than 262,144"),
    "a compressed response": (
        broken(keys=b"\x1f\x8b\x08", headers={"Content-Encoding": "gzip"}),
        "not a JSON Web Key Set",
    ),
    "no response": (lambda issuer: issuer.responding.clear(), "cannot be fetched: "),
}


def read_at(keys: RefreshedKeys) -> float:
    """Return when the keys were last read, according to the metric."""
    [collector] = keys.collectors
    [metric] = collector.collect()
    [sample] = metric.samples
    assert sample.name == "interlock_token_keys_read_timestamp_seconds"
    return sample.value


@pytest.mark.parametrize(("fail", "reason"), BROKEN.values(), ids=BROKEN)
async def test_an_invalid_response_leaves_the_keys_in_use(
    fail: Callable[[Provider], None],
    reason: str,
    issuer: Provider,
    keys: RefreshedKeys,
    verifier: TokenVerifier,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await keys.start()
    before = read_at(keys)
    assert before > 0
    fail(issuer)
    with capture_logs() as lines:
        for _ in range(3):
            if not issuer.responding.is_set():
                monkeypatch.setattr(key_fetch, "TIMEOUT", ClientTimeout(total=0.05))
            clock.now += REFRESH_SECONDS
            await keys.refresh()
    [line] = lines
    assert (line["log_level"], line["old_keys_in_use"]) == ("error", True)
    assert read_at(keys) == before
    assert reason in line["reason"]
    assert (await verifier.authenticate(RSA_TOKEN)).id == "u_b1"


async def test_a_server_starts_while_its_provider_is_down_and_is_not_ready_until_it_is_up(
    issuer: Provider, keys: RefreshedKeys, verifier: TokenVerifier, clock: Clock
) -> None:
    async def ready() -> None:
        keys.check()

    issuer.status = 503
    await keys.start()
    application = build_application(
        [web.get("/", respond), *probe_routes(ready)], AccessControl(verifier)
    )
    async with TestClient(TestServer(application)) as client:
        with capture_logs() as lines:
            async with client.get("/readyz") as response:
                assert response.status == 503
        assert "returned status 503, not 200" in str(
            lines[0]["exc_info"].__cause__ or lines[0]["exc_info"]
        )
        async with client.get("/", headers=authorization(RSA_TOKEN)) as response:
            assert response.status == 503
            assert (await response.json(content_type=None))["code"] == "unavailable"
        issuer.status = 200
        clock.now += REFRESH_SECONDS
        async with client.get("/", headers=authorization(RSA_TOKEN)) as response:
            assert response.status == 200
        async with client.get("/readyz") as response:
            assert response.status == 200


async def test_a_refused_connection_is_a_reason(clock: Clock) -> None:
    async with provider(RSA_JWK) as gone:
        url = gone.url
    keys = RefreshedKeys(partial(fetch_keys, url), url, clock=clock)
    await keys.start()
    with pytest.raises(Unavailable, match="cannot be fetched"):
        keys.check()
    with pytest.raises(Unavailable, match="the server has no keys yet"):
        _ = keys.keys


async def test_a_provider_needs_a_trusted_certificate(tmp_path: Path) -> None:
    async with provider(RSA_JWK, ssl=self_signed(tmp_path)) as impostor:
        assert impostor.url.startswith("https://")
        with pytest.raises(Unavailable, match="certificate verify failed"):
            await fetch_keys(impostor.url)


async def test_the_keys_of_an_issuer_are_discovered(issuer: Provider) -> None:
    for address in (issuer.issuer, f"{issuer.issuer}/"):
        issuer.discovery = {"issuer": address, "jwks_uri": issuer.url, "more": [1]}
        found = parse_jwks(await fetch_issuer_keys(address))
        assert [key.id for key in found.keys] == ["rsa-1", "rsa-2"]


def metadata(**changed: object) -> Callable[[Provider], dict[str, object]]:
    return lambda by: {"issuer": by.issuer, "jwks_uri": by.url} | changed


DISCOVERED: dict[str, tuple[Callable[[Provider], object], str]] = {
    "another issuer": (
        metadata(issuer="https://id.example"),
        "the document of 'https://id.example'",
    ),
    "an issuer with a slash more": (
        lambda by: metadata(issuer=f"{by.issuer}/")(by),
        "is the document of",
    ),
    "no issuer": (lambda by: {"jwks_uri": by.url}, "not an OpenID discovery document"),
    "no keys": (lambda by: {"issuer": by.issuer}, "an invalid jwks_uri: it is missing"),
    "a list": (lambda _: [], "not an OpenID discovery document"),
    "keys by http": (metadata(jwks_uri="http://id.example/keys"), "the URL must use https"),
    "keys in a file": (metadata(jwks_uri="file:///etc/passwd"), "invalid jwks_uri"),
    "keys nowhere": (metadata(jwks_uri=7), "invalid jwks_uri"),
    "keys behind a broken address": (metadata(jwks_uri="https://[id.example"), "invalid jwks_uri"),
}


@pytest.mark.parametrize(("document", "reason"), DISCOVERED.values(), ids=DISCOVERED)
async def test_a_discovery_document_is_refused(
    document: Callable[[Provider], dict[str, object]], reason: str, issuer: Provider
) -> None:
    issuer.discovery = document(issuer)
    with pytest.raises(Unavailable, match=reason):
        await fetch_issuer_keys(issuer.issuer)
    assert issuer.requests == 0
