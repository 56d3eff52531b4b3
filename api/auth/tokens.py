"""Bearer tokens (JWT, RFC 7519): verified into actors, and issued."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from typing import Final

from joserfc import jwt
from joserfc.errors import BadSignatureError
from joserfc.jwk import GuestProtocol, Key
from pydantic import SecretStr, ValidationError

from api import limits
from api.auth.claims import DEFAULT_NAMES, ClaimNames, Claims, RawClaims, parse_claims
from api.auth.errors import (
    JOSERFC_ERRORS,
    MESSAGES,
    TokenErrorReason,
    joserfc_error,
    token_error,
)
from api.auth.hmac_secrets import hmac_key_set
from api.auth.jwks import HS256, KeySet
from api.auth.key_sources import FixedKeys, KeySource
from engine.errors import InvalidInput, Unauthenticated, Unavailable
from engine.tickets.actor import Actor
from engine.validation_messages import describe_error_at

Clock = Callable[[], float]
"""Returns the seconds since 1970."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must state, in addition to a valid signature.

    Attributes:
        issuer: the required issuer; None accepts any.
        audiences: the token must be for one of these. If empty, it must have no audience:
            a token for another recipient must be rejected (RFC 7519, section 4.1.3).
        leeway_seconds: the accepted difference between clocks.
        names: the names of the claims.

    """

    issuer: str | None = None
    audiences: frozenset[str] = frozenset()
    leeway_seconds: float = limits.CLOCK_LEEWAY_SECONDS
    names: ClaimNames = DEFAULT_NAMES

    def check_parties(self, claims: RawClaims) -> None:
        """Check the issuer and the audience.

        Raises:
            Unauthenticated: one of them is wrong or missing.

        """
        if self.issuer is not None and _require_claim(claims, "iss") != self.issuer:
            raise token_error(TokenErrorReason.WRONG_ISSUER, claim="iss")
        if self.audiences or claims.get("aud") is not None:
            audience = _require_claim(claims, "aud")
            found = audience if isinstance(audience, list) else [audience]
            if not all(isinstance(each, str) for each in found):
                raise token_error(TokenErrorReason.INVALID_CLAIM, claim="aud")
            if self.audiences.isdisjoint(found):
                raise token_error(TokenErrorReason.WRONG_AUDIENCE, claim="aud")

    def check_times(self, claims: Claims, now: float) -> None:
        """Check that a token is valid at a time.

        Raises:
            Unauthenticated: it has expired or is not valid yet.

        """
        if claims.exp <= now - self.leeway_seconds:
            raise token_error(TokenErrorReason.EXPIRED)
        for claim, begin in (("nbf", claims.nbf), ("iat", claims.iat)):
            if begin > now + self.leeway_seconds:
                raise token_error(TokenErrorReason.NOT_YET_VALID, claim=claim)


DEFAULT_RULES: Final = TokenRules()


def _require_claim(claims: RawClaims, name: str) -> object:
    if name not in claims:
        raise token_error(TokenErrorReason.MISSING_CLAIM, claim=name)
    return claims[name]


class TokenVerifier:
    """Verifies tokens. The algorithm follows from the keys, never from the token.

    Args:
        source: the keys, which can change.
        rules: what tokens must state.
        clock: returns the seconds since 1970.

    """

    def __init__(
        self, source: KeySource, rules: TokenRules = DEFAULT_RULES, clock: Clock = time.time
    ) -> None:
        self._source = source
        self._rules = rules
        self._clock = clock
        self._claims_of = lru_cache(limits.VERIFIED_TOKENS)(self._verify_signature)

    def verify(self, token: str) -> Actor:
        """Return the user whom a token describes, with the current keys.

        Raises:
            Unauthenticated: the token is invalid; `details["reason"]` is a `TokenErrorReason`, and
                `details["claim"]` names the wrong claim, if there is one.
            Unavailable: no keys were read yet.

        """
        if len(token) > limits.TOKEN_CHARACTERS:
            raise token_error(TokenErrorReason.TOO_LARGE)
        # The key set is a part of the cache key: with new keys, a token is verified again.
        claims = self._claims_of(token, self._source.keys)
        self._rules.check_times(claims, self._clock())
        return claims.actor

    @property
    def keys(self) -> KeySet:
        """The current keys; Unavailable if none were read yet."""
        return self._source.keys

    def is_valid(self, token: str) -> bool:
        """Return whether a token is valid now, with the current keys."""
        try:
            self.verify(token)
        except Unauthenticated:
            return False
        return True

    def seconds_until_expiry(self, token: str) -> float:
        """Return how long a valid token remains valid, at most the maximum lifetime of tokens."""
        claims = self._claims_of(token, self._source.keys)
        seconds = claims.exp + self._rules.leeway_seconds - self._clock()
        return min(seconds, limits.TOKEN_LIFETIME_DAYS * 86_400)

    async def authenticate(self, token: str) -> Actor:
        """Return the user whom a token describes; refresh the keys if it can be of a new key.

        Raises as `verify` does.
        """
        try:
            return self.verify(token)
        except (Unauthenticated, Unavailable) as error:
            await self._read_new_keys(error)
        return self.verify(token)

    async def _read_new_keys(self, error: Unauthenticated | Unavailable) -> None:
        """Refresh the keys after an error; raise the error if they cannot be the reason."""
        if isinstance(error, Unauthenticated) and not self._can_be_of_new_key(error):
            raise error
        await self._source.refresh()

    def _can_be_of_new_key(self, error: Unauthenticated) -> bool:
        match error.details["reason"]:
            case TokenErrorReason.UNKNOWN_KEY:
                return True
            case TokenErrorReason.BAD_SIGNATURE:
                return not self.keys.has_key_ids
            case _:
                return False

    def _verify_signature(self, token: str, keys: KeySet) -> Claims:
        """Return the claims of a token with a valid signature, whatever its times are."""
        return parse_claims(self._raw_claims(token, keys), self._rules.names)

    def _raw_claims(self, token: str, keys: KeySet) -> RawClaims:
        """Return the claims of a token with a valid signature for the right parties."""
        try:
            decoded = _decode(token, keys)
        except JOSERFC_ERRORS as error:
            raise joserfc_error(error) from None
        if "crit" in decoded.header:  # critical extensions must be understood; none is supported
            raise token_error(TokenErrorReason.MALFORMED)
        self._rules.check_parties(decoded.claims)
        return decoded.claims


def _decode(token: str, keys: KeySet) -> jwt.Token:
    """Return a token with a valid signature; raise the error of joserfc if it is invalid."""
    *others, last = keys.candidates
    for each in others:
        with suppress(BadSignatureError):
            return _decode_with(each, token)
    return _decode_with(last, token)


def _decode_with(keys: KeySet, token: str) -> jwt.Token:
    def select_key(parsed: GuestProtocol) -> Key:
        return keys.select_key(parsed.headers())

    return jwt.decode(token, select_key, registry=keys.registry)


class TokenIssuer(TokenVerifier):
    """Issues and verifies tokens that are signed with one secret (HS256).

    Args:
        secret: signs tokens; signatures are compared in constant time.
        rules: what tokens must state.
        clock: returns the seconds since 1970.

    Raises:
        Misconfigured: the secret is a public key.

    """

    def __init__(
        self, secret: SecretStr, rules: TokenRules = DEFAULT_RULES, clock: Clock = time.time
    ) -> None:
        self._keys = hmac_key_set(secret)
        super().__init__(FixedKeys(self._keys), rules, clock)

    def issue(self, actor: Actor, lifetime: timedelta) -> str:
        """Return a token for a user that is valid from now on.

        Raises:
            InvalidInput: no valid token can contain these values, such as a too long id.

        """
        now = int(self._clock())
        values = {"sub": actor.id, "name": actor.name, "groups": sorted(actor.groups)}
        times = {"iat": now, "exp": now + int(lifetime.total_seconds())}
        try:
            claims = Claims.model_validate(values | times | {"admin": actor.is_admin})
        except ValidationError as error:
            details = "; ".join(map(describe_error_at, error.errors()))
            raise InvalidInput(f"No token can contain these values. {details}.") from None
        raw = self._rules.names.to_token(claims)
        if self._rules.issuer is not None:
            raw["iss"] = self._rules.issuer
        if self._rules.audiences:
            raw["aud"] = sorted(self._rules.audiences)
        [only] = self._keys.keys
        token = jwt.encode({"alg": HS256}, raw, only.key, registry=self._keys.registry)
        if len(token) > limits.TOKEN_CHARACTERS:
            raise InvalidInput(MESSAGES[TokenErrorReason.TOO_LARGE])
        return token
