"""The settings as rules for tokens."""

from pathlib import Path

from pydantic import SecretStr

from api.auth.claims import ClaimNames
from api.auth.hmac_secrets import secrets_in
from api.auth.key_fetch import file_content
from api.auth.tokens import SecretTokens, TokenRules
from api.settings import Settings
from engine.errors import Misconfigured, Unavailable


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
        Misconfigured: there is no secret, or none that can be used.

    """
    match settings.demand_jwt_secret():
        case SecretStr() as secret:
            return SecretTokens(secret, rules_of(settings))
        case file:
            return SecretTokens(first_secret(file), rules_of(settings))


def first_secret(file: Path) -> SecretStr:
    """Return the secret in a file that signs; Misconfigured if the file is not as it must be."""
    try:
        return secrets_in(file_content(file))[0]
    except Unavailable as error:
        raise Misconfigured(error.message) from None
    except ValueError as why:
        raise Misconfigured(f"The secrets of {file} can't be used: {why}.") from None
