"""A provider, the keys that are read from it, and the tokens that they check."""

from collections.abc import AsyncIterator

import pytest

from api.auth import Tokens
from api.auth.key_fetch import from_address
from api.auth.key_sources import LiveKeys
from tests.support.oidc_provider import Provider, provider
from tests.support.rotating_keys import Clock
from tests.support.signers import NOW, OTHER_JWK, RSA_JWK


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
