"""Tokens for the servers that a benchmark runs."""

from datetime import timedelta
from typing import Final

from pydantic import SecretStr

from api.auth.tokens import TokenIssuer
from engine.tickets.actor import Actor

SECRET: Final = SecretStr("0123456789abcdef" * 2)
TOKENS: Final = TokenIssuer(SECRET)
LONG_ENOUGH: Final = timedelta(hours=8)


def token_of(actor: Actor) -> str:
    """Return a token that outlives the benchmark."""
    return TOKENS.issue(actor, LONG_ENOUGH)
