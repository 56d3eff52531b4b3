"""API keys: how machines enter, each for what its scopes say. Only their hashes are configured.

A key is random and long, so one SHA-256 is enough: there is nothing to guess that a slow hash would
protect.
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

PREFIX: Final = "ik_"
"""Lets people and scanners for secrets see what it is."""
KEY_BYTES: Final = 32
DIGEST_FORM: Final = re.compile(r"[0-9A-Fa-f]{64}")
SEPARATORS: Final = re.compile(r"[\s,]+")


class Scope(StrEnum):
    """What a key is good for."""

    RELOAD = "reload"
    EXPORT = "export"
    HEALTH = "health"


class KeyRefusal(StrEnum):
    """Why a request's key does not do; the `reason` in the details of the refusal."""

    MISSING = "missing"
    UNKNOWN_KEY = "unknown_key"
    SCOPE_REQUIRED = "scope_required"


class KeyRequired(Unauthenticated):
    """A valid API key is required: send `X-API-Key: <key>`."""


@dataclass(frozen=True, slots=True)
class KeyEntry:
    """One key as it is configured: `reload+export=<hash>`.

    Attributes:
        scopes: what it is good for.
        digest: SHA-256 of the key.

    """

    scopes: frozenset[Scope]
    digest: bytes

    @classmethod
    def of(cls, key: str, scopes: Iterable[Scope]) -> Self:
        """Return the entry of a key."""
        return cls(frozenset(scopes), digest_of(key))

    def __str__(self) -> str:
        return f"{'+'.join(sorted(self.scopes))}={self.digest.hex()}"


class ApiKeys:
    """The keys of a server.

    Several may have one scope, so that a new one can replace an old one while both are good.
    """

    def __init__(self, entries: Iterable[KeyEntry]) -> None:
        self._entries = tuple(entries)

    def admit(self, key: str, scope: Scope) -> str:
        """Return the name by which the log may call a key that has the scope.

        Raises:
            KeyRequired: there is no key, or it is not one of ours; `details["reason"]` says which.
            Forbidden: it is good for other scopes only.

        """
        if not key:
            raise KeyRequired(reason=KeyRefusal.MISSING)
        held = self._scopes_of(key)
        if held is None:
            raise KeyRequired("This is not an API key of ours.", reason=KeyRefusal.UNKNOWN_KEY)
        if scope not in held:
            raise Forbidden(
                f"This takes an API key for {scope}; yours is for {' and '.join(sorted(held))}.",
                reason=KeyRefusal.SCOPE_REQUIRED,
                scope=scope,
            )
        return name_of(key)

    def _scopes_of(self, key: str) -> frozenset[Scope] | None:
        """Return what a key is good for; None if it is not ours. Takes as long for every key."""
        if len(key) > limits.API_KEY_CHARACTERS:
            return None
        digest = digest_of(key)
        # A list, not a generator that stops: every entry is compared.
        held = [each.scopes for each in self._entries if compare_digest(each.digest, digest)]
        return frozenset[Scope]().union(*held) if held else None


NO_KEYS: Final = ApiKeys(())
"""Nobody enters by a key."""


def new_key() -> str:
    """Return a random key."""
    return PREFIX + token_urlsafe(KEY_BYTES)


def digest_of(key: str) -> bytes:
    """Return SHA-256 of a key; of what is no text, too, as headers may hold any bytes."""
    return sha256(key.encode(errors="surrogateescape")).digest()


def name_of(key: str) -> str:
    """Return what tells one key from another and gives nothing of it away."""
    return digest_of(key).hex()[: limits.API_KEY_NAME_CHARACTERS]


def read_entries(text: str) -> tuple[KeyEntry, ...]:
    """Return the entries of a text, separated by commas or white space.

    Raises:
        ValueError: one of them is none; it says which and why, and quotes nothing.

    """
    words = filter(None, SEPARATORS.split(text))
    return tuple(read_entry(word, f"entry {number}") for number, word in enumerate(words, 1))


def read_entry(word: str, called: str) -> KeyEntry:
    """Return one entry; `called` is what a complaint calls it."""
    scopes, is_entry, digest = word.partition("=")
    if not is_entry:
        raise ValueError(f"{called} has no '='")
    if not DIGEST_FORM.fullmatch(digest):
        raise ValueError(f"what follows the '=' of {called} is not the 64 hex digits of a SHA-256")
    return KeyEntry(
        frozenset(read_scope(each, called) for each in scopes.split("+")), bytes.fromhex(digest)
    )


def read_scope(word: str, called: str) -> Scope:
    """Return a scope; `called` is what a complaint calls the entry."""
    try:
        return Scope(word)
    except ValueError:
        known = ", ".join(Scope)
        hint = did_you_mean(word, Scope)
        raise ValueError(f"{called} has a scope that is none of {known}{hint}") from None
