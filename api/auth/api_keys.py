"""API keys authenticate machines, and their scopes limit what a machine can do.

Only the hashes of the keys are configured. A key is long and random, so one SHA-256 is enough: a
slow hash protects only secrets that can be guessed.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from hmac import compare_digest
from secrets import token_urlsafe
from typing import Final, Self

from api import limits
from engine.errors import Forbidden, Unauthenticated
from engine.findings import did_you_mean
from engine.limits import API_KEY_NAME_CHARACTERS

_PREFIX: Final = "ik_"
"""Identifies a key for users and secret scanners."""
_KEY_BYTES: Final = 32
_DIGEST: Final = re.compile(r"[0-9A-Fa-f]{64}")
SEPARATORS: Final = re.compile(r"[\s,]+")


class Scope(StrEnum):
    """What an API key can be used for."""

    RELOAD = "reload"
    ACKNOWLEDGE = "acknowledge"
    EXPORT = "export"
    HEALTH = "health"
    MAINTENANCE = "maintenance"


class ApiKeyErrorReason(StrEnum):
    """Why an API key is refused; the `reason` in the details of the error."""

    MISSING = "missing"
    UNKNOWN_KEY = "unknown_key"
    SCOPE_REQUIRED = "scope_required"


class ApiKeyRequired(Unauthenticated):
    """A valid API key is required: send `X-API-Key: <key>`."""


@dataclass(frozen=True, slots=True)
class ApiKeyEntry:
    """A configured API key: `reload+export=<hash>`.

    Attributes:
        digest: SHA-256 of the key.

    """

    scopes: frozenset[Scope]
    digest: bytes

    @classmethod
    def for_key(cls, key: str, scopes: Iterable[Scope]) -> Self:
        """Return the entry of a key."""
        return cls(frozenset(scopes), _digest(key))

    def __str__(self) -> str:
        return f"{'+'.join(sorted(self.scopes))}={self.digest.hex()}"


class ApiKeys:
    """The API keys of a server.

    Several keys can have the same scope, so both are valid while a new key replaces an old one.
    """

    def __init__(self, entries: Iterable[ApiKeyEntry]) -> None:
        self._entries = tuple(entries)

    def authenticate(self, key: str, scope: Scope) -> str:
        """Verify a key and its scope; return the name of the key in the log.

        Raises:
            ApiKeyRequired: the key is empty or unknown; `details["reason"]` says which.
            Forbidden: the key has other scopes only.

        """
        if not key:
            raise ApiKeyRequired(reason=ApiKeyErrorReason.MISSING)
        scopes = self._find_scopes(key)
        if scopes is None:
            raise ApiKeyRequired("The API key is unknown.", reason=ApiKeyErrorReason.UNKNOWN_KEY)
        if scope not in scopes:
            raise Forbidden(
                f"The request requires an API key with the scope {scope}; yours has"
                f" {' and '.join(sorted(scopes))}.",
                reason=ApiKeyErrorReason.SCOPE_REQUIRED,
                scope=scope,
            )
        return _digest(key).hex()[:API_KEY_NAME_CHARACTERS]

    def _find_scopes(self, key: str) -> frozenset[Scope] | None:
        """Return the scopes of a key, in constant time; None if the key is unknown."""
        if len(key) > limits.API_KEY_CHARACTERS:
            return None
        digest = _digest(key)
        # A list, not a generator that stops: every entry is compared.
        found = [each.scopes for each in self._entries if compare_digest(each.digest, digest)]
        return frozenset[Scope]().union(*found) if found else None


NO_API_KEYS: Final = ApiKeys(())


def generate_api_key() -> str:
    """Return a new random key."""
    return _PREFIX + token_urlsafe(_KEY_BYTES)


def _digest(key: str) -> bytes:
    """Return SHA-256 of a key. Headers can contain any bytes, so invalid text has one, too."""
    return sha256(key.encode(errors="surrogateescape")).digest()


def parse_api_keys(text: str) -> tuple[ApiKeyEntry, ...]:
    """Return the entries in a text, separated by commas or white space.

    Raises:
        ValueError: an entry is invalid; the message says which and why, and quotes no part of it.

    """
    words = filter(None, SEPARATORS.split(text))
    return tuple(_parse_entry(word, f"entry {number}") for number, word in enumerate(words, 1))


def _parse_entry(word: str, label: str) -> ApiKeyEntry:
    scopes, separator, digest = word.partition("=")
    if not separator:
        raise ValueError(f"{label} has no '='")
    if not _DIGEST.fullmatch(digest):
        raise ValueError(f"the part after '=' in {label} is not the 64 hex digits of a SHA-256")
    return ApiKeyEntry(
        frozenset(_parse_scope(each, label) for each in scopes.split("+")), bytes.fromhex(digest)
    )


def _parse_scope(word: str, label: str) -> Scope:
    try:
        return Scope(word)
    except ValueError:
        known = ", ".join(Scope)
        hint = did_you_mean(word, Scope)
        raise ValueError(f"{label} has a scope other than {known}{hint}") from None
