"""Secrets that sign tokens and check them (HS256): the one of a setting, or those in a file.

A file has one on each line. The first signs and every one checks, so that a new one can take the
place of an old one while the tokens of both are good. No complaint ever quotes a secret.
"""

import json
from collections.abc import Iterable
from typing import Final

from joserfc.jwk import OctKey
from pydantic import SecretStr

from api import limits
from api.auth.jwks import HS256, KeySet, TokenKey, Unusable
from engine.errors import Misconfigured

ADVICE: Final = "Set it to random characters, for example what `openssl rand -hex 32` prints."
PUBLISHED: Final = ("-----BEGIN ", "---- BEGIN ", "ssh-", "ecdsa-sha2-")
"""How keys begin that are written as a text, PEM and OpenSSH's: most of them are public."""


def keys_of_secret(secret: SecretStr) -> KeySet:
    """Return the set of one secret.

    Raises:
        Misconfigured: it is a public key or a certificate, which everybody may know.

    """
    try:
        return secret_set([secret])
    except Unusable as why:
        raise Misconfigured(f"INTERLOCK_JWT_SECRET {why}. {ADVICE}") from None


def keys_of_secrets(document: bytes) -> KeySet:
    """Return the secrets that a file holds as keys; raises as `secrets_in` does."""
    return secret_set(secrets_in(document))


def secret_set(secrets: Iterable[SecretStr]) -> KeySet:
    """Return secrets as keys without names; Unusable if one of them is a public key."""
    return KeySet([TokenKey(None, (HS256,), secret_key(each)) for each in secrets], [HS256])


def secrets_in(document: bytes) -> list[SecretStr]:
    """Return the secrets in a file, one a line; empty lines and blanks around one are none of them.

    Raises:
        ValueError: there are none or too many, or one of them is weak or a public key.

    """
    text = text_of(document)
    lines = {number: line.strip() for number, line in enumerate(text.splitlines(), 1)}
    secrets = {number: line for number, line in lines.items() if line}
    if not 1 <= len(secrets) <= limits.JWT_SECRETS:
        raise ValueError(
            f"it has {len(secrets)} secrets, and needs 1 to {limits.JWT_SECRETS}, one a line"
        )
    for number, secret in secrets.items():
        check_line(number, secret)
    return [SecretStr(secret) for secret in secrets.values()]


def text_of(document: bytes) -> str:
    """Return the text of a file; ValueError if it has none, or is the file of a public key."""
    try:
        text = document.decode()
    except UnicodeDecodeError:
        raise ValueError("it isn't UTF-8 text") from None
    if is_published(text):
        raise ValueError("it is a public key, a key set or a certificate, and no secret")
    return text


def check_line(number: int, secret: str) -> None:
    """Return if a line is a secret; ValueError if it can be guessed or known."""
    if len(secret) < limits.JWT_SECRET_CHARACTERS_MIN:
        raise ValueError(
            f"line {number} has less than {limits.JWT_SECRET_CHARACTERS_MIN} characters"
        )
    try:
        secret_key(SecretStr(secret))
    except Unusable as why:
        raise ValueError(f"line {number} {why}") from None


def secret_key(secret: SecretStr) -> OctKey:
    """Return a secret as a key; Unusable if it is a public key, which everybody may know."""
    text = secret.get_secret_value()
    try:
        if not is_published(text):
            return OctKey.import_key(text)
    except ValueError:
        pass
    raise Unusable("is a public key or a certificate, which everybody may know")


def is_published(text: str) -> bool:
    """Tell whether a text has the form of a key that is given to others, or of a set of them."""
    if text.lstrip().startswith(PUBLISHED):
        return True
    try:
        return isinstance(json.loads(text), dict)
    except (ValueError, RecursionError):
        return False
