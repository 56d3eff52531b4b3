"""Why a token does not do: one word for clients, one sentence for people, never the token."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Final

from joserfc.errors import (
    BadSignatureError,
    ExceededSizeError,
    JoseError,
    UnsupportedAlgorithmError,
)

from api import limits
from engine.errors import Unauthenticated


class TokenRefusal(StrEnum):
    """Why a request's token does not do; the `reason` in the details of `Unauthenticated`."""

    MISSING = "missing"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    WRONG_ALGORITHM = "wrong_algorithm"
    UNKNOWN_KEY = "unknown_key"
    MISSING_KEY_ID = "missing_key_id"
    BAD_SIGNATURE = "bad_signature"
    MISSING_CLAIM = "missing_claim"
    INVALID_CLAIM = "invalid_claim"
    WRONG_ISSUER = "wrong_issuer"
    WRONG_AUDIENCE = "wrong_audience"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"


SENTENCES: Final[Mapping[TokenRefusal, str]] = {
    TokenRefusal.MISSING: "A token is required: send `Authorization: Bearer <token>`.",
    TokenRefusal.MALFORMED: "This is not a JSON Web Token: send `Authorization: Bearer <token>`.",
    TokenRefusal.TOO_LARGE: f"The token is longer than {limits.TOKEN_CHARACTERS} characters.",
    TokenRefusal.WRONG_ALGORITHM: "The token is signed in a way that its key is not for.",
    TokenRefusal.UNKNOWN_KEY: "The token is signed with a key that this server does not know.",
    TokenRefusal.MISSING_KEY_ID: "The token does not say which of several keys signed it (`kid`).",
    TokenRefusal.BAD_SIGNATURE: "The token's signature is not by the key that it should be by.",
    TokenRefusal.MISSING_CLAIM: "The token lacks a claim that is required.",
    TokenRefusal.INVALID_CLAIM: "A claim of the token is of the wrong type, size or value.",
    TokenRefusal.WRONG_ISSUER: "The token is by another issuer than this server takes tokens of.",
    TokenRefusal.WRONG_AUDIENCE: "The token was made for others than this server.",
    TokenRefusal.EXPIRED: "The token has expired: get a new one.",
    TokenRefusal.NOT_YET_VALID: "The token is not valid yet.",
}

LIBRARY_REFUSALS: Final[Mapping[type[Exception], TokenRefusal]] = {
    ExceededSizeError: TokenRefusal.TOO_LARGE,
    UnsupportedAlgorithmError: TokenRefusal.WRONG_ALGORITHM,
    BadSignatureError: TokenRefusal.BAD_SIGNATURE,
}

# The library reads the header before it checks what kind of JSON it is, so a hostile one can end
# in any of these; whatever else joserfc raises is its own.
UNREADABLE: Final = (JoseError, ValueError, TypeError, KeyError, RecursionError)


def refusal(reason: TokenRefusal, **details: object) -> Unauthenticated:
    """Return the refusal of a token. It never quotes the token."""
    return Unauthenticated(SENTENCES[reason], reason=reason, **details)


def library_refusal(error: Exception) -> Unauthenticated:
    """Return the refusal of a token that the library can't read or verify."""
    return refusal(LIBRARY_REFUSALS.get(type(error), TokenRefusal.MALFORMED))


def bearer_token(headers: Sequence[str]) -> str:
    """Return the token in the `Authorization` headers of a request (RFC 6750, section 2.1).

    Raises:
        Unauthenticated: there is no such header, several, or one of another scheme.

    """
    if not headers:
        raise refusal(TokenRefusal.MISSING)
    scheme, _, token = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer" or not token:
        raise refusal(TokenRefusal.MALFORMED)
    return token
