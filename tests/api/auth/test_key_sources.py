"""Keys that change while the server runs."""

import asyncio
from contextlib import suppress

from structlog.testing import capture_logs

from api.auth import TokenRefusal, Tokens
from api.auth.key_fetch import from_address
from api.auth.key_sources import LiveKeys, Read
from engine.errors import Unauthenticated
from tests.support.oidc_provider import Provider
from tests.support.rotating_keys import AT_ONCE, BY_CURVE, BY_RSA, CLAIMS, Clock, refusal
from tests.support.signers import CURVE_JWK, GOOD, NOW, OTHER_JWK, RS256, RSA_JWK, jwks


async def test_a_token_of_a_new_key_is_taken_at_once(
    issuer: Provider, live: LiveKeys, tokens: Tokens
) -> None:
    await live.begin()
    issuer.publish(RSA_JWK, CURVE_JWK)
    assert (await tokens.identified(BY_CURVE)).id == "u_b1"
    assert (await tokens.identified(BY_RSA)).id == "u_b1"
    assert issuer.asked == 2


async def test_unknown_keys_cause_one_reading_in_a_while(
    issuer: Provider, live: LiveKeys, tokens: Tokens, clock: Clock
) -> None:
    await live.begin()
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
    issuer: Provider, live: LiveKeys, tokens: Tokens
) -> None:
    await live.begin()
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
    issuer: Provider, live: LiveKeys, tokens: Tokens
) -> None:
    await live.begin()
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
    with capture_logs() as lines:
        await live.renew()
    assert [line["reason"] for line in lines] == ["out of order"]
    assert live.keys.keys
