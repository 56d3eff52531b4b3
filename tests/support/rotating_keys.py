"""Keys that tests change, and a clock that they move."""

import pytest

from api import limits
from api.auth import Tokens
from engine.errors import Unauthenticated
from tests.support.signers import ES256, GOOD, RS256

CLAIMS = {name: GOOD[name] for name in ("sub", "name", "exp")}
BY_RSA = RS256.token(CLAIMS)
BY_CURVE = ES256.token(CLAIMS)
AT_ONCE = limits.UNKNOWN_KEY_REFRESH_SECONDS


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now = 1_000.0

    def __call__(self) -> float:
        return self.now


async def refusal(tokens: Tokens, token: str) -> object:
    """Return why a token is refused."""
    with pytest.raises(Unauthenticated) as refused:
        await tokens.identified(token)
    return refused.value.details["reason"]
