"""Who asks: tokens, the keys that they are checked with, and the actors whom they name."""

from api.identity.refusals import SENTENCES, TokenRefusal, bearer_token
from api.identity.tokens import SecretTokens, TokenRules, Tokens

__all__ = [
    "SENTENCES",
    "SecretTokens",
    "TokenRefusal",
    "TokenRules",
    "Tokens",
    "bearer_token",
]
