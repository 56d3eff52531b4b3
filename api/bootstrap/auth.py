"""Builds the token rules, the token issuer and the key source from the settings."""

import asyncio
from functools import partial
from pathlib import Path

from pydantic import SecretStr

from api import limits
from api.auth.claims import ClaimNames
from api.auth.hmac_secrets import hmac_key_set, parse_secrets
from api.auth.key_fetch import fetch_issuer_keys, fetch_keys, read_key_file
from api.auth.key_sources import FixedKeys, KeySource, RefreshedKeys, RefreshedSecrets
from api.auth.tokens import TokenIssuer, TokenRules
from api.settings import Settings
from engine.errors import Misconfigured, Unavailable


def token_rules(settings: Settings) -> TokenRules:
    """Return what tokens must state."""
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


def token_issuer(settings: Settings) -> TokenIssuer:
    """Return the issuer of tokens that are signed with the secret, or the first one of the file.

    Raises:
        Misconfigured: there is no secret, or it cannot be used.

    """
    secret = settings.require_jwt_secret()
    if isinstance(secret, Path):
        try:
            secret = parse_secrets(read_key_file(secret))[0]
        except Unavailable as error:
            raise Misconfigured(error.message) from None
        except ValueError as error:
            raise Misconfigured(f"The secrets of {secret} cannot be used: {error}.") from None
    return TokenIssuer(secret, token_rules(settings))


def key_source(settings: Settings) -> KeySource:
    """Return the source of the keys that verify tokens.

    A server does not start without its key file, because that is a mistake in its settings. It
    starts without a response from a URL and is not ready until there is one, because an outage of
    the provider ends by itself.

    Raises:
        Misconfigured: there is not exactly one source, or the secret cannot be used.

    """
    match settings.require_key_source():
        case SecretStr() as secret:
            return FixedKeys(hmac_key_set(secret))
        case Path() as file:
            kind = RefreshedSecrets if file == settings.jwt_secret_file else RefreshedKeys
            read = partial(asyncio.to_thread, read_key_file, file)
            return kind(read, str(file), limits.KEYS_FILE_REFRESH_SECONDS, required_at_start=True)
        case url if url == settings.oidc_issuer:
            return RefreshedKeys(partial(fetch_issuer_keys, url), url)
        case url:
            return RefreshedKeys(partial(fetch_keys, url), url)
