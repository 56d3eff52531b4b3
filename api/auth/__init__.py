"""Authentication: bearer tokens, the keys that verify them, and API keys."""

from api.auth.errors import MESSAGES, TokenErrorReason, bearer_token
from api.auth.tokens import TokenIssuer, TokenRules, TokenVerifier

__all__ = [
    "MESSAGES",
    "TokenErrorReason",
    "TokenIssuer",
    "TokenRules",
    "TokenVerifier",
    "bearer_token",
]
