"""ID tokens: what an OpenID provider states about a user who has just signed in."""

import hmac
from collections.abc import Mapping

from api import limits
from api.auth.claims import RawClaims, parse_claims
from api.auth.errors import TokenErrorReason, token_error
from api.auth.tokens import TokenVerifier
from engine.errors import Unauthenticated, Unavailable
from engine.tickets.actor import Actor


class IdTokenVerifier(TokenVerifier):
    """Verifies ID tokens (OpenID Connect Core 1.0, section 3.1.3.7).

    The audience in its rules is the client id.
    """

    async def verify_id_token(self, token: str, nonce: str) -> RawClaims:
        """Return the claims of an ID token, except whether it is valid now.

        Args:
            token: from the token endpoint.
            nonce: of the sign-in.

        Raises:
            Unauthenticated: the token is invalid, or of another sign-in.
            Unavailable: no keys were read yet.

        """
        if len(token) > limits.TOKEN_CHARACTERS:
            raise token_error(TokenErrorReason.TOO_LARGE)
        try:
            claims = self._raw_claims(token, self.keys)
        except (Unauthenticated, Unavailable) as error:
            await self._read_new_keys(error)
            claims = self._raw_claims(token, self.keys)
        found = claims.get("nonce")
        if not isinstance(found, str) or not hmac.compare_digest(found.encode(), nonce.encode()):
            raise token_error(TokenErrorReason.INVALID_CLAIM, claim="nonce")
        party = claims.get("azp")  # the client, if the token has several audiences
        if party is not None and party not in self._rules.audiences:
            raise token_error(TokenErrorReason.WRONG_AUDIENCE, claim="azp")
        return claims

    def is_complete(self, claims: RawClaims) -> bool:
        """Return whether an ID token describes the user without the UserInfo endpoint."""
        return self._rules.names.paths.keys() <= self._rules.names.from_token(claims).keys()

    def actor(self, claims: RawClaims, user_info: Mapping[str, object]) -> Actor:
        """Return the user whom an ID token describes, together with the UserInfo endpoint.

        Raises:
            Unauthenticated: a claim is missing or invalid, or the token is not valid now.

        """
        if user_info.get("sub", claims.get("sub")) != claims.get("sub"):
            raise token_error(TokenErrorReason.INVALID_CLAIM, claim="sub")
        stated = {name: value for name, value in claims.items() if value is not None}
        parsed = parse_claims({**user_info, **stated}, self._rules.names)
        self._rules.check_times(parsed, self._clock())
        return parsed.actor
