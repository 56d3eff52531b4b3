"""The settings as the source of the keys."""

from pathlib import Path

from pydantic import SecretStr

from api import limits
from api.auth.hmac_secrets import keys_of_secret
from api.auth.key_fetch import from_address, from_file, from_issuer
from api.auth.key_sources import FixedKeys, KeySource, LiveKeys, LiveSecrets
from api.settings import Settings


def key_source(settings: Settings) -> KeySource:
    """Return where the keys come from that tokens are checked with.

    Without its file a server does not start: that is a slip of whoever set it up. Without an
    address it does, and is not ready until that answers: an outage elsewhere passes.

    Raises:
        Misconfigured: there is not exactly one source, or the secret is none.

    """
    match settings.demand_key_source():
        case SecretStr() as secret:
            return FixedKeys(keys_of_secret(secret))
        case Path() as file:
            kind = LiveSecrets if file == settings.jwt_secret_file else LiveKeys
            return kind(from_file(file), str(file), limits.KEYS_FILE_SECONDS, must_begin=True)
        case address if address == settings.oidc_issuer:
            return LiveKeys(from_issuer(address), address)
        case address:
            return LiveKeys(from_address(address), address)
