"""HS256 secrets, which sign and verify tokens: one from a setting, or several from a file.

A file has one secret per line. The first one signs and all of them verify, so tokens of both are
valid while a new secret replaces an old one. No message quotes a secret.
"""

import json
from collections.abc import Iterable
from typing import Final

from joserfc.jwk import OctKey
from pydantic import SecretStr

from api import limits
from api.auth.jwks import HS256, KeySet, TokenKey, UnusableKeyError
from engine.errors import Misconfigured

_ADVICE: Final = "Set it to random characters, for example the output of `openssl rand -hex 32`."
_PUBLIC_PREFIXES: Final = ("-----BEGIN ", "---- BEGIN ", "ssh-", "ecdsa-sha2-")
"""The beginnings of PEM and OpenSSH files, most of which contain public keys."""


def hmac_key_set(secret: SecretStr) -> KeySet:
    """Return the key set of the secret in the settings.

    Raises:
        Misconfigured: the secret is a public key or a certificate.

    """
    try:
        return _key_set([secret])
    except UnusableKeyError as error:
        raise Misconfigured(f"INTERLOCK_JWT_SECRET {error}. {_ADVICE}") from None


def parse_hmac_keys(document: bytes) -> KeySet:
    """Return the key set of a secrets file; raises as `parse_secrets` does."""
    return _key_set(parse_secrets(document))


def _key_set(secrets: Iterable[SecretStr]) -> KeySet:
    return KeySet([TokenKey(None, (HS256,), _hmac_key(each)) for each in secrets], [HS256])


def parse_secrets(document: bytes) -> list[SecretStr]:
    """Return the secrets in a file, one per line, without surrounding blanks and empty lines.

    Raises:
        ValueError: there is no secret, or too many, or one of them is too short or a public key.

    """
    try:
        text = document.decode()
    except UnicodeDecodeError:
        raise ValueError("the file is not UTF-8 text") from None
    if _is_public_key(text):
        raise ValueError("the file is a public key, a key set or a certificate, not a secret")
    lines = {number: line.strip() for number, line in enumerate(text.splitlines(), 1)}
    secrets = {number: SecretStr(line) for number, line in lines.items() if line}
    if not 1 <= len(secrets) <= limits.JWT_SECRETS:
        raise ValueError(
            f"the file has {len(secrets)} secrets; it must have 1 to {limits.JWT_SECRETS}, one per"
            " line"
        )
    for number, secret in secrets.items():
        if len(secret) < limits.JWT_SECRET_CHARACTERS_MIN:
            raise ValueError(
                f"line {number} has less than {limits.JWT_SECRET_CHARACTERS_MIN} characters"
            )
        try:
            _hmac_key(secret)
        except UnusableKeyError as error:
            raise ValueError(f"line {number} {error}") from None
    return list(secrets.values())


def _hmac_key(secret: SecretStr) -> OctKey:
    text = secret.get_secret_value()
    try:
        if not _is_public_key(text):
            return OctKey.import_key(text)
    except ValueError:
        pass
    raise UnusableKeyError("is a public key or a certificate, not a secret")


def _is_public_key(text: str) -> bool:
    """Return whether a text looks like a public key, a certificate or a key set."""
    if text.lstrip().startswith(_PUBLIC_PREFIXES):
        return True
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
