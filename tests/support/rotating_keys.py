"""Tokens of keys that tests rotate, and a clock that they control."""

import pytest

from api import limits
from api.auth.tokens import TokenVerifier
from engine.errors import Unauthenticated
from tests.support.signers import ES256, GOOD, RS256

CLAIMS = {name: GOOD[name] for name in ("sub", "name", "exp")}
RSA_TOKEN = RS256.token(CLAIMS)
EC_TOKEN = ES256.token(CLAIMS)
REFRESH_SECONDS = limits.UNKNOWN_KEY_REFRESH_SECONDS


class Clock:
    """A clock that only a test advances."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def error_reason(verifier: TokenVerifier, token: str) -> object:
    """Return why a token is refused."""
    with pytest.raises(Unauthenticated) as refused:
        await verifier.authenticate(token)
    return refused.value.details["reason"]
