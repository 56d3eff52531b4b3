"""A provider, the keys that are fetched from it, and a verifier with these keys."""

from collections.abc import AsyncIterator
from functools import partial

import pytest

from api.auth.key_fetch import fetch_keys
from api.auth.key_sources import RefreshedKeys
from api.auth.tokens import TokenVerifier
from tests.support.oidc_provider import Provider, provider
from tests.support.rotating_keys import Clock
from tests.support.signers import NOW, RSA_JWK, SECOND_RSA_JWK


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def issuer() -> AsyncIterator[Provider]:
    """Yield a provider with two RSA keys."""
    async with provider(RSA_JWK, SECOND_RSA_JWK) as started:
        yield started


@pytest.fixture
def keys(issuer: Provider, clock: Clock) -> RefreshedKeys:
    return RefreshedKeys(partial(fetch_keys, issuer.url), issuer.url, clock=clock)


@pytest.fixture
def verifier(keys: RefreshedKeys) -> TokenVerifier:
    return TokenVerifier(keys, clock=lambda: NOW)
