"""Who asks: bearer tokens (JWT, RFC 7519) read into actors, and minted."""

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
from api.auth.claims import DEFAULT_NAMES, ClaimNames, Claims, Stated, claims_of
from api.auth.errors import (
    SENTENCES,
    UNREADABLE,
    TokenRefusal,
    library_refusal,
    refusal,
)
from api.auth.hmac_secrets import keys_of_secret
from api.auth.jwks import HS256, KeySet
from api.auth.key_sources import FixedKeys, KeySource
from engine.errors import InvalidInput, Unauthenticated, Unavailable
from engine.tickets.actor import Actor
from engine.validation_messages import describe_error_at

Clock = Callable[[], float]
"""The seconds since 1970."""


@dataclass(frozen=True, slots=True)
class TokenRules:
    """What a token must say, whatever key signed it.

    Attributes:
        issuer: who must have made it; None for whoever has the key.
        audiences: it must be made for one of these; if there are none, then for nobody in
            particular, as one that was made for others was not made for us (RFC 7519, 4.1.3).
        leeway_seconds: by which clocks may differ.
        names: of its claims.

    """

    issuer: str | None = None
    audiences: frozenset[str] = frozenset()
    leeway_seconds: float = limits.CLOCK_LEEWAY_SECONDS
    names: ClaimNames = DEFAULT_NAMES

    def check_parties(self, stated: Stated) -> None:
        """Return if a token is by and for those whom it must be by and for.

        Raises:
            Unauthenticated: it is not, or does not say.

        """
        if self.issuer is not None and stated_by(stated, "iss") != self.issuer:
            raise refusal(TokenRefusal.WRONG_ISSUER, claim="iss")
        if self.audiences or stated.get("aud") is not None:
            check_audience(stated_by(stated, "aud"), self.audiences)

    def check_times(self, claims: Claims, now: float) -> None:
        """Return if a token is good at a time.

        Raises:
            Unauthenticated: it is not any more, or not yet.

        """
        if claims.exp <= now - self.leeway_seconds:
            raise refusal(TokenRefusal.EXPIRED)
        for claim, begin in (("nbf", claims.nbf), ("iat", claims.iat)):
            if begin > now + self.leeway_seconds:
                raise refusal(TokenRefusal.NOT_YET_VALID, claim=claim)


DEFAULT_RULES: Final = TokenRules()


def stated_by(stated: Stated, claim: str) -> object:
    """Return a claim that must be there."""
    if claim not in stated:
        raise refusal(TokenRefusal.MISSING_CLAIM, claim=claim)
    return stated[claim]


def check_audience(audience: object, ours: frozenset[str]) -> None:
    """Return if an audience, a text or a list of them, has one of ours."""
    named = audience if isinstance(audience, list) else [audience]
    if not all(isinstance(each, str) for each in named):
        raise refusal(TokenRefusal.INVALID_CLAIM, claim="aud")
    if ours.isdisjoint(named):
        raise refusal(TokenRefusal.WRONG_AUDIENCE, claim="aud")


class Tokens:
    """The tokens of some keys. How one is checked follows from the keys, never from the token.

    Args:
        source: the keys, which may change.
        rules: what tokens must say.
        clock: the seconds since 1970.

    """

    def __init__(
        self, source: KeySource, rules: TokenRules = DEFAULT_RULES, clock: Clock = time.time
    ) -> None:
        self._source = source
        self._rules = rules
        self._clock = clock
        self._claims_of = lru_cache(limits.VERIFIED_TOKENS)(self._verified_claims)

    def actor_of(self, token: str) -> Actor:
        """Return the person whom a token names, by the keys that are known.

        Raises:
            Unauthenticated: the token does not do; `details["reason"]` is a `TokenRefusal`, and
                `details["claim"]` names the claim that is at fault.
            Unavailable: no keys are known yet.

        """
        if len(token) > limits.TOKEN_CHARACTERS:
            raise refusal(TokenRefusal.TOO_LARGE)
        # What was verified is remembered under the keys of that time: new keys verify anew.
        claims = self._claims_of(token, self._source.keys)
        self._rules.check_times(claims, self._clock())
        return claims.actor

    @property
    def keys(self) -> KeySet:
        """The keys that tokens are checked with now; Unavailable if none are known yet."""
        return self._source.keys

    def is_good(self, token: str) -> bool:
        """Tell whether a token would be taken now, by the keys that are known."""
        try:
            self.actor_of(token)
        except Unauthenticated:
            return False
        return True

    def seconds_left(self, token: str) -> float:
        """Return how long a token that is good now will be: until then its bearer may stay."""
        claims = self._claims_of(token, self._source.keys)
        left = claims.exp + self._rules.leeway_seconds - self._clock()
        return min(left, limits.TOKEN_LIFETIME_DAYS * 86_400)

    async def identified(self, token: str) -> Actor:
        """Return the person whom a token names; if it may be by a new key, they are read again.

        Raises as `actor_of` does.
        """
        try:
            return self.actor_of(token)
        except (Unauthenticated, Unavailable) as error:
            if isinstance(error, Unauthenticated) and not self._may_be_by_a_new_key(error):
                raise
        await self._source.renew()
        return self.actor_of(token)

    def _may_be_by_a_new_key(self, refused: Unauthenticated) -> bool:
        """Tell whether a token was refused because nobody knows its key, as far as it can tell."""
        match refused.details["reason"]:
            case TokenRefusal.UNKNOWN_KEY:
                return True
            case TokenRefusal.BAD_SIGNATURE:
                return not self.keys.has_names
            case _:
                return False

    def _verified_claims(self, token: str, keys: KeySet) -> Claims:
        """Return what a token with a good signature says, at whatever time."""
        try:
            verified = decoded(token, keys)
        except UNREADABLE as error:
            raise library_refusal(error) from None
        if "crit" in verified.header:  # an extension that must be understood, and we know none
            raise refusal(TokenRefusal.MALFORMED)
        self._rules.check_parties(verified.claims)
        return claims_of(verified.claims, self._rules.names)


def decoded(token: str, keys: KeySet) -> jwt.Token:
    """Return a token whose signature is good; what the library raises if it is not."""
    *others, last = keys.in_turn
    for each in others:
        with suppress(BadSignatureError):
            return decoded_by(each, token)
    return decoded_by(last, token)


def decoded_by(keys: KeySet, token: str) -> jwt.Token:
    """Return a token that is signed with the key which its header calls for."""

    def key_for(parsed: GuestProtocol) -> Key:
        return keys.key_for(parsed.headers())

    return jwt.decode(token, key_for, registry=keys.registry)


class SecretTokens(Tokens):
    """The tokens of one secret (HS256), which can be minted, too.

    Args:
        secret: what tokens are signed with; signatures are compared in constant time.
        rules: what tokens must say.
        clock: the seconds since 1970.

    Raises:
        Misconfigured: the secret is a public key, which is no secret.

    """

    def __init__(
        self, secret: SecretStr, rules: TokenRules = DEFAULT_RULES, clock: Clock = time.time
    ) -> None:
        self._keys = keys_of_secret(secret)
        super().__init__(FixedKeys(self._keys), rules, clock)

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
            wrong = "; ".join(map(describe_error_at, error.errors()))
            raise InvalidInput(f"No token can say this. {wrong}.") from None
        return self._signed(self._rules.names.theirs(claims) | self._parties())

    def _parties(self) -> dict[str, object]:
        """Return whom a token is by and for."""
        issuer = {} if self._rules.issuer is None else {"iss": self._rules.issuer}
        audiences = sorted(self._rules.audiences)
        return issuer | ({"aud": audiences} if audiences else {})

    def _signed(self, stated: dict[str, object]) -> str:
        [only] = self._keys.keys
        header = {"alg": HS256}
        token = jwt.encode(header, stated, only.key, registry=self._keys.registry)
        if len(token) > limits.TOKEN_CHARACTERS:
            raise InvalidInput(SENTENCES[TokenRefusal.TOO_LARGE])
        return token
