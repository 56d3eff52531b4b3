"""Keys are refreshed while the server runs."""

import asyncio
from contextlib import suppress
from functools import partial

from structlog.testing import capture_logs

from api.auth.errors import TokenErrorReason
from api.auth.key_fetch import fetch_keys
from api.auth.key_sources import RefreshedKeys
from api.auth.tokens import TokenVerifier
from api.runtime.background_tasks import BackgroundTask, Supervisor
from tests.support.oidc_provider import Provider
from tests.support.rotating_keys import (
    CLAIMS,
    EC_TOKEN,
    REFRESH_SECONDS,
    RSA_TOKEN,
    Clock,
    error_reason,
)
from tests.support.signers import EC_JWK, GOOD, NOW, RS256, RSA_JWK, SECOND_RSA_JWK, jwks


async def test_a_token_of_a_new_key_is_accepted_at_once(
    issuer: Provider, keys: RefreshedKeys, verifier: TokenVerifier
) -> None:
    await keys.start()
    issuer.publish(RSA_JWK, EC_JWK)
    assert (await verifier.authenticate(EC_TOKEN)).id == "u_b1"
    assert (await verifier.authenticate(RSA_TOKEN)).id == "u_b1"
    assert issuer.requests == 2


async def test_unknown_keys_cause_at_most_one_refresh_per_interval(
    issuer: Provider, keys: RefreshedKeys, verifier: TokenVerifier, clock: Clock
) -> None:
    await keys.start()
    unknown = [RS256.token(CLAIMS, RS256.header | {"kid": f"k{n}"}) for n in range(30)]
    reasons = await asyncio.gather(*(error_reason(verifier, each) for each in unknown))
    assert {*reasons} == {TokenErrorReason.UNKNOWN_KEY}
    assert issuer.requests == 2
    clock.now += REFRESH_SECONDS - 0.1
    issuer.publish(RSA_JWK, EC_JWK)
    assert await error_reason(verifier, EC_TOKEN) is TokenErrorReason.UNKNOWN_KEY
    clock.now += 0.1
    assert (await verifier.authenticate(EC_TOKEN)).id == "u_b1"
    assert issuer.requests == 3


async def test_requests_share_a_running_refresh(
    issuer: Provider, keys: RefreshedKeys, verifier: TokenVerifier
) -> None:
    await keys.start()
    issuer.publish(EC_JWK)
    issuer.responding.clear()
    waiting = [asyncio.create_task(verifier.authenticate(EC_TOKEN)) for _ in range(3)]
    issuer.requested.clear()
    await issuer.requested.wait()
    waiting[0].cancel()
    with suppress(asyncio.CancelledError):
        await waiting[0]
    issuer.responding.set()
    assert {each.id for each in await asyncio.gather(*waiting[1:])} == {"u_b1"}
    assert issuer.requests == 2


async def test_a_token_that_no_key_can_verify_causes_no_refresh(
    issuer: Provider, keys: RefreshedKeys, verifier: TokenVerifier
) -> None:
    await keys.start()
    for token in ("a.b.c", RS256.token(sign=RS256.forge), RS256.token(GOOD, {"alg": "none"})):
        await error_reason(verifier, token)
    assert issuer.requests == 1


async def test_a_verified_token_is_refused_after_its_key_is_removed(
    issuer: Provider, keys: RefreshedKeys, verifier: TokenVerifier, clock: Clock
) -> None:
    await keys.start()
    assert verifier.verify(RSA_TOKEN) == verifier.verify(RSA_TOKEN)
    issuer.publish(EC_JWK, SECOND_RSA_JWK)
    clock.now += REFRESH_SECONDS
    await keys.refresh()
    assert await error_reason(verifier, RSA_TOKEN) is TokenErrorReason.UNKNOWN_KEY


async def test_keys_are_refreshed_at_regular_intervals(issuer: Provider) -> None:
    keys = RefreshedKeys(partial(fetch_keys, issuer.url), issuer.url, interval_seconds=0)
    verifier = TokenVerifier(keys, clock=lambda: NOW)
    await keys.start()
    issuer.publish(EC_JWK)
    task = BackgroundTask("token_keys", keys.read_again, keys.wait)
    async with asyncio.timeout(20), Supervisor().run([task]):
        while verifier.is_valid(RSA_TOKEN) or not verifier.is_valid(EC_TOKEN):
            issuer.requested.clear()
            await issuer.requested.wait()


async def test_an_internal_error_leaves_the_keys_in_use_and_is_logged(clock: Clock) -> None:
    documents = [jwks(RSA_JWK)]

    async def read() -> bytes:
        return documents.pop()  # raises IndexError the second time

    keys = RefreshedKeys(read, "somewhere", clock=clock)
    await keys.start()
    with capture_logs() as lines:
        await keys.refresh()
    assert [line["reason"] for line in lines] == ["pop from empty list"]
    assert keys.keys.keys
