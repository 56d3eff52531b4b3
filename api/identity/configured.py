"""The settings as rules for tokens."""

from api.identity.claims import ClaimNames
from api.identity.tokens import SecretTokens, TokenRules
from api.settings import Settings


def rules_of(settings: Settings) -> TokenRules:
    """Return what tokens must say."""
    return TokenRules(
        issuer=settings.oidc_issuer or settings.jwt_issuer,
        audiences=frozenset(settings.jwt_audience),
        leeway_seconds=settings.jwt_leeway,
        names=ClaimNames(
            user=settings.claim_user,
            name=settings.claim_name,
            groups=settings.claim_groups,
            admin=settings.claim_admin,
        ),
    )


def secret_tokens(settings: Settings) -> SecretTokens:
    """Return the tokens of the secret, which can be minted.

    Raises:
        Misconfigured: there is no secret, or it is a public key.

    """
    return SecretTokens(settings.demand_jwt_secret(), rules_of(settings))
