"""Why a token is refused: a reason for clients and a message for users, never the token."""

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


class TokenErrorReason(StrEnum):
    """Why a token is refused; the `reason` in the details of `Unauthenticated`."""

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


_HINT: Final = "send `Authorization: Bearer <token>`."
MESSAGES: Final[Mapping[TokenErrorReason, str]] = {
    TokenErrorReason.MISSING: f"The request has no token: {_HINT}",
    TokenErrorReason.MALFORMED: f"The token is not a valid JSON Web Token: {_HINT}",
    TokenErrorReason.TOO_LARGE: f"The token is longer than {limits.TOKEN_CHARACTERS} characters.",
    TokenErrorReason.WRONG_ALGORITHM: "The signature algorithm of the token is not allowed.",
    TokenErrorReason.UNKNOWN_KEY: "The token is signed with a key that this server does not know.",
    TokenErrorReason.MISSING_KEY_ID: "The token must name its key (`kid`): there are several keys.",
    TokenErrorReason.BAD_SIGNATURE: "The signature of the token is invalid.",
    TokenErrorReason.MISSING_CLAIM: "The token lacks a required claim.",
    TokenErrorReason.INVALID_CLAIM: "A claim of the token has the wrong type, size or value.",
    TokenErrorReason.WRONG_ISSUER: "This server does not accept tokens of this issuer.",
    TokenErrorReason.WRONG_AUDIENCE: "The token is for another audience.",
    TokenErrorReason.EXPIRED: "The token has expired: get a new one.",
    TokenErrorReason.NOT_YET_VALID: "The token is not valid yet.",
}

_JOSERFC_REASONS: Final[Mapping[type[Exception], TokenErrorReason]] = {
    ExceededSizeError: TokenErrorReason.TOO_LARGE,
    UnsupportedAlgorithmError: TokenErrorReason.WRONG_ALGORITHM,
    BadSignatureError: TokenErrorReason.BAD_SIGNATURE,
}

JOSERFC_ERRORS: Final = (JoseError, ValueError, TypeError, KeyError, RecursionError)
"""What joserfc raises for a hostile token: it uses the header before it checks its JSON type."""


def token_error(reason: TokenErrorReason, **details: object) -> Unauthenticated:
    """Return the error for a token that is refused."""
    return Unauthenticated(MESSAGES[reason], reason=reason, **details)


def joserfc_error(error: Exception) -> Unauthenticated:
    """Return the error for a token that joserfc cannot read or verify."""
    return token_error(_JOSERFC_REASONS.get(type(error), TokenErrorReason.MALFORMED))


def bearer_token(headers: Sequence[str]) -> str:
    """Return the token in the `Authorization` headers of a request (RFC 6750, section 2.1).

    Raises:
        Unauthenticated: there is no such header, or several, or one of another scheme.

    """
    if not headers:
        raise token_error(TokenErrorReason.MISSING)
    scheme, _, token = headers[0].partition(" ")
    if len(headers) > 1 or scheme.lower() != "bearer" or not token:
        raise token_error(TokenErrorReason.MALFORMED)
    return token
