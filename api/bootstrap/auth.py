"""Token rules, secrets and key sources, as the settings configure them."""

from pathlib import Path

from pydantic import SecretStr

from api import limits
from api.auth.claims import ClaimNames
from api.auth.hmac_secrets import keys_of_secret, secrets_in
from api.auth.key_fetch import file_content, from_address, from_file, from_issuer
from api.auth.key_sources import FixedKeys, KeySource, LiveKeys, LiveSecrets
from api.auth.tokens import SecretTokens, TokenRules
from api.settings import Settings
from engine.errors import Misconfigured, Unavailable


def token_rules(settings: Settings) -> TokenRules:
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
    match settings.require_jwt_secret():
        case SecretStr() as secret:
            return SecretTokens(secret, token_rules(settings))
        case file:
            return SecretTokens(first_secret(file), token_rules(settings))


def first_secret(file: Path) -> SecretStr:
    """Return the secret in a file that signs; Misconfigured if the file is not as it must be."""
    try:
        return secrets_in(file_content(file))[0]
    except Unavailable as error:
        raise Misconfigured(error.message) from None
    except ValueError as why:
        raise Misconfigured(f"The secrets of {file} can't be used: {why}.") from None


def key_source(settings: Settings) -> KeySource:
    """Return where the keys come from that tokens are checked with.

    Without its file a server does not start: that is a slip of whoever set it up. Without an
    address it does, and is not ready until that answers: an outage elsewhere passes.

    Raises:
        Misconfigured: there is not exactly one source, or the secret is none.

    """
    match settings.require_key_source():
        case SecretStr() as secret:
            return FixedKeys(keys_of_secret(secret))
        case Path() as file:
            kind = LiveSecrets if file == settings.jwt_secret_file else LiveKeys
            return kind(
                from_file(file), str(file), limits.KEYS_FILE_REFRESH_SECONDS, must_begin=True
            )
        case address if address == settings.oidc_issuer:
            return LiveKeys(from_issuer(address), address)
        case address:
            return LiveKeys(from_address(address), address)
