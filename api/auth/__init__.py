"""Who asks: tokens, the keys that they are checked with, and the actors whom they name."""

from api.auth.errors import SENTENCES, TokenRefusal, bearer_token
from api.auth.tokens import SecretTokens, TokenRules, Tokens

__all__ = [
    "SENTENCES",
    "SecretTokens",
    "TokenRefusal",
    "TokenRules",
    "Tokens",
    "bearer_token",
]
