"""Who asks: bearer tokens (JWT, RFC 7519, signed with HS256) read into actors, and minted."""

import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from typing import Annotated, Final

from joserfc import jwt
from joserfc.errors import (
    BadSignatureError,
    ExceededSizeError,
    JoseError,
    UnsupportedAlgorithmError,
)
from joserfc.jwk import OctKey
from joserfc.jws import JWSRegistry
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    SecretStr,
    StringConstraints,
    ValidationError,
)

from api import limits
from engine.errors import InvalidInput, Misconfigured, Unauthenticated
from engine.limits import GROUP_CHARACTERS, USER_GROUPS, USER_ID_CHARACTERS, USER_NAME_CHARACTERS
from engine.tickets.actor import Actor
from engine.vocabulary import SYSTEM

ALGORITHM: Final = "HS256"
PRINTABLE: Final = r"^\P{Cc}+$"
"""No control characters: none belongs in a name, and PostgreSQL stores no NUL."""


class TokenRefusal(StrEnum):
    """Why a request's token does not do; the `reason` in the details of `Unauthenticated`."""

    MISSING = "missing"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    WRONG_ALGORITHM = "wrong_algorithm"
    BAD_SIGNATURE = "bad_signature"
    MISSING_CLAIM = "missing_claim"
    INVALID_CLAIM = "invalid_claim"
    EXPIRED = "expired"
    NOT_YET_VALID = "not_yet_valid"


SENTENCES: Final = {
    TokenRefusal.MISSING: "A token is required: send `Authorization: Bearer <token>`.",
    TokenRefusal.MALFORMED: "This is not a JSON Web Token: send `Authorization: Bearer <token>`.",
    TokenRefusal.TOO_LARGE: f"The token is longer than {limits.TOKEN_CHARACTERS} characters.",
    TokenRefusal.WRONG_ALGORITHM: f"The token is not signed with {ALGORITHM}.",
    TokenRefusal.BAD_SIGNATURE: "The token is not signed with the secret of this server.",
    TokenRefusal.MISSING_CLAIM: "The token lacks a claim that is required.",
    TokenRefusal.INVALID_CLAIM: "A claim of the token is of the wrong type, size or value.",
    TokenRefusal.EXPIRED: "The token has expired: get a new one.",
    TokenRefusal.NOT_YET_VALID: "The token is not valid yet.",
}

LIBRARY_REFUSALS: Final[dict[type[Exception], TokenRefusal]] = {
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


def not_system(user: str) -> str:
    """Return the id of a person as it was given; `system` is nobody's."""
    if user == SYSTEM:
        raise ValueError(f"{SYSTEM!r} is not a person")
    return user


def printable(characters: int) -> StringConstraints:
    """Return the rule for a text that is shown to people."""
    return StringConstraints(min_length=1, max_length=characters, pattern=PRINTABLE)


class Claims(BaseModel):
    """What a token says of its bearer; claims that are not listed are not looked at.

    `exp`, `nbf` and `iat` are seconds since 1970. No audience is configured, so a token made for
    one was not made for us (RFC 7519, section 4.1.3).
    """

    model_config = ConfigDict(strict=True, frozen=True, hide_input_in_errors=True)

    sub: Annotated[str, printable(USER_ID_CHARACTERS), AfterValidator(not_system)]
    name: Annotated[str, printable(USER_NAME_CHARACTERS)]
    exp: int | FiniteFloat
    nbf: int | FiniteFloat = 0
    iat: int | FiniteFloat = 0
    groups: Annotated[
        list[Annotated[str, printable(GROUP_CHARACTERS)]], Field(max_length=USER_GROUPS)
    ] = []
    admin: bool = False
    aud: None = None

    @cached_property
    def actor(self) -> Actor:
        """The person whom these claims state."""
        return Actor(self.sub, self.name, frozenset(self.groups), self.admin)


class Tokens:
    """The tokens of one secret. The algorithm is fixed: a token never chooses how it is checked.

    Args:
        secret: what tokens are signed with; signatures are compared in constant time.
        clock: the seconds since 1970.

    Raises:
        Misconfigured: the secret is a public key, which is no secret.

    """

    def __init__(self, secret: SecretStr, clock: Callable[[], float] = time.time) -> None:
        self._key = key_of(secret)
        self._clock = clock
        self._registry = JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)
        self._claims_of = lru_cache(limits.VERIFIED_TOKENS)(self._verified_claims)

    def actor_of(self, token: str) -> Actor:
        """Return the person whom a token names.

        Raises:
            Unauthenticated: the token does not do; `details["reason"]` is a `TokenRefusal`, and
                `details["claim"]` names the claim that is at fault.

        """
        if len(token) > limits.TOKEN_CHARACTERS:
            raise refusal(TokenRefusal.TOO_LARGE)
        claims = self._claims_of(token)
        self._check_times(claims)
        return claims.actor

    def seconds_left(self, token: str) -> float:
        """Return how long a token that is good now will be: until then its bearer may stay."""
        left = self._claims_of(token).exp + limits.CLOCK_LEEWAY_SECONDS - self._clock()
        return min(left, limits.TOKEN_LIFETIME_DAYS * 86_400)

    def mint(self, actor: Actor, lifetime: timedelta) -> str:
        """Return a token for a person that is good from now on for that long.

        Raises:
            InvalidInput: no token can state this, e.g. an id that is too long.

        """
        now = int(self._clock())
        stated = {"sub": actor.id, "name": actor.name, "groups": sorted(actor.groups)}
        times = {"iat": now, "exp": now + int(lifetime.total_seconds())}
        try:
            claims = Claims.model_validate(stated | times | {"admin": actor.is_admin})
        except ValidationError as error:
            wrong = "; ".join(f"{each['loc'][0]}: {each['msg']}" for each in error.errors())
            raise InvalidInput(f"No token can say this. {wrong}.") from None
        return self._signed(claims)

    def _signed(self, claims: Claims) -> str:
        stated = claims.model_dump(exclude_defaults=True)
        token = jwt.encode({"alg": ALGORITHM}, stated, self._key, registry=self._registry)
        if len(token) > limits.TOKEN_CHARACTERS:
            raise InvalidInput(SENTENCES[TokenRefusal.TOO_LARGE])
        return token

    def _verified_claims(self, token: str) -> Claims:
        """Return what a token with a good signature says, at whatever time."""
        try:
            verified = jwt.decode(token, self._key, registry=self._registry)
        except UNREADABLE as error:
            raise refusal(LIBRARY_REFUSALS.get(type(error), TokenRefusal.MALFORMED)) from None
        if "crit" in verified.header:  # an extension that must be understood, and we know none
            raise refusal(TokenRefusal.MALFORMED)
        return claims_of(verified.claims)

    def _check_times(self, claims: Claims) -> None:
        now = self._clock()
        if claims.exp <= now - limits.CLOCK_LEEWAY_SECONDS:
            raise refusal(TokenRefusal.EXPIRED)
        for claim, begin in (("nbf", claims.nbf), ("iat", claims.iat)):
            if begin > now + limits.CLOCK_LEEWAY_SECONDS:
                raise refusal(TokenRefusal.NOT_YET_VALID, claim=claim)


def key_of(secret: SecretStr) -> OctKey:
    """Return the key that a secret makes.

    Raises:
        Misconfigured: it is a public key or a certificate, which everybody may know.

    """
    try:
        return OctKey.import_key(secret.get_secret_value())
    except ValueError:
        raise Misconfigured(
            "INTERLOCK_JWT_SECRET is a public key or a certificate, which everybody may know. "
            "Set it to random characters, for example what `openssl rand -hex 32` prints."
        ) from None


def claims_of(stated: dict[str, object]) -> Claims:
    """Return claims that have the shape they must have."""
    try:
        return Claims.model_validate(stated)
    except ValidationError as error:
        first = error.errors()[0]
        is_missing = first["type"] == "missing"
        reason = TokenRefusal.MISSING_CLAIM if is_missing else TokenRefusal.INVALID_CLAIM
        raise refusal(reason, claim=str(first["loc"][0])) from None


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
